/** What a result must say about where it was measured. Names no folder and no host. */
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** @param {string} folder the measured filesystem is the one that holds it */
export function describeMachine(folder) {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: distribution(),
    kernel: release(),
    filesystem: filesystemOf(folder),
    node: process.version,
  };
}

/** How busy the machine is, by processes that want to run; above a half a core the figures are not to be trusted. */
export function load() {
  return loadavg()[0];
}

function distribution() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

function filesystemOf(folder) {
  const { stdout } = spawnSync('df', ['--output=fstype', folder], { encoding: 'utf8' });
  return stdout?.trim().split('\n').at(-1) || 'unknown';
}
