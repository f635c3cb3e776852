/** File name → Markdown of each command's page, and `README.md` that lists them. */
export function commandPages(manifest) {
  const commands = Object.values(manifest.commands).filter((command) => !command.hidden);
  return new Map([
    ['README.md', overview(commands)],
    ...commands.map((command) => [`${slug(command)}.md`, page(command)]),
  ]);
}

function overview(commands) {
  const rows = commands.map(
    (command) => `| [\`hkfs ${title(command)}\`](${slug(command)}.md) | ${command.summary} |`,
  );
  return ['# Commands', '', '| command | what it does |', '| --- | --- |', ...rows, ''].join('\n');
}

function page(command) {
  const parts = [
    `# hkfs ${title(command)}`,
    command.summary,
    `\`\`\`\n${usage(command)}\n\`\`\``,
    command.description,
    section('Arguments', Object.values(command.args ?? {}).map(argument)),
    section('Flags', Object.values(command.flags ?? {}).map(flag)),
    section('Examples', (command.examples ?? []).map(example), '\n\n'),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function title(command) {
  return command.id.replaceAll(':', ' ');
}

function slug(command) {
  return command.id.replaceAll(':', '-');
}

function usage(command) {
  const args = Object.values(command.args ?? {}).map((arg) => {
    const name = `${arg.name.toUpperCase()}${arg.multiple ? '…' : ''}`;
    return arg.required ? name : `[${name}]`;
  });
  return ['hkfs', title(command), ...args, '[FLAGS]'].join(' ');
}

function section(heading, lines, gap = '\n') {
  return lines.length === 0 ? '' : `## ${heading}\n\n${lines.join(gap)}`;
}

function argument(arg) {
  return `- \`${arg.name.toUpperCase()}\`: ${oneLine(arg.description)}`;
}

function flag(entry) {
  const names = [
    entry.char && `-${entry.char}`,
    ...(entry.aliases ?? []).map((a) => `-${a}`),
    `--${entry.name}`,
  ];
  const value = entry.type === 'option' ? ` ${entry.options?.join('|') ?? entry.helpValue ?? 'VALUE'}` : '';
  const notes = [
    entry.default === undefined || entry.type === 'boolean' ? '' : ` Default: \`${entry.default}\`.`,
    entry.env ? ` Environment: \`${entry.env}\`.` : '',
    entry.multiple ? ' May be given several times.' : '',
  ];
  return `- \`${names.filter(Boolean).join(', ')}${value}\`: ${oneLine(entry.description)}${notes.join('')}`;
}

function example(entry) {
  const { description, command } = typeof entry === 'string' ? { description: '', command: entry } : entry;
  return `${description}\n\n\`\`\`sh\n${command.replaceAll('<%= config.bin %>', 'hkfs')}\n\`\`\``.trim();
}

function oneLine(text) {
  return (text ?? '').replace(/\s+/g, ' ');
}
