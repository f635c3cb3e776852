/**
 * Which operations on the tree may be applied again together, wherever they were cut short. All may but renames
 * that meet: of `a` to `b` and `b` to `c` nobody can tell how many were done, and done twice they are others. So
 * what meets a rename, at its place, above or below it, has to wait until what was done before is told on the disk.
 */
import { parentPath } from '../fs/names.js';
import type { TreeOperation } from '../fs/tasks.js';

/** Beyond so many paths they are not told apart any more: the next rename waits. */
const MAX_PATHS = 100_000;

export class RenameWindow {
  private readonly root: string;
  private readonly renamed = new Paths();
  private readonly all = new Paths();

  /** @param root the archive's directory: above it nothing is compared */
  constructor(root: string) {
    this.root = root;
  }

  /** Whether these may stand together with what was added since the window was cleared. */
  admits(operations: readonly TreeOperation[]): boolean {
    return operations.every((operation) => {
      const others = operation.op === 'rename' ? this.all : this.renamed;
      return pathsOf(operation).every((path) => !others.meets(path, this.root));
    });
  }

  add(operations: readonly TreeOperation[]): void {
    for (const operation of operations)
      for (const path of pathsOf(operation)) {
        this.all.add(path, this.root);
        if (operation.op === 'rename') this.renamed.add(path, this.root);
      }
  }

  clear(): void {
    this.renamed.clear();
    this.all.clear();
  }
}

class Paths {
  private readonly paths = new Set<string>();
  private readonly above = new Set<string>();
  private isFull = false;

  add(path: string, root: string): void {
    if (this.paths.size >= MAX_PATHS) this.isFull = true;
    if (this.isFull) return;
    this.paths.add(path);
    for (let at = parentPath(path); at.length > root.length && !this.above.has(at); at = parentPath(at))
      this.above.add(at);
  }

  /** One of them is this path, above it or below it. */
  meets(path: string, root: string): boolean {
    if (this.isFull || this.above.has(path)) return true;
    for (let at = path; at.length > root.length; at = parentPath(at)) if (this.paths.has(at)) return true;
    return false;
  }

  clear(): void {
    this.paths.clear();
    this.above.clear();
    this.isFull = false;
  }
}

/** Objects leave the hash tree, where nothing is renamed. */
function pathsOf(operation: TreeOperation): readonly string[] {
  if (operation.op === 'rename') return [operation.from, operation.to];
  return 'path' in operation ? [operation.path] : [];
}
