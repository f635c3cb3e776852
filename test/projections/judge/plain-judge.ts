/** Which events of names can come next, said once more and slowly: nothing is remembered but what stood where. */
import type { DirectoryId, HkfsEvent, Place, Position } from '../../../src/events/types.js';
import { isValidName } from '../../../src/fs/names.js';

type Id = DirectoryId | null | undefined;

export class PlainJudge {
  private readonly held = new Map<string, { position: Position; id: Id }[]>();
  private readonly places = new Map<DirectoryId, Place>();

  /** Whether the event can come next; then it has happened. */
  takes(event: HkfsEvent, position: Position): boolean {
    switch (event.type) {
      case 'directory.added':
      case 'file.ingested':
      case 'symlink.added':
      case 'special.added':
        if (!this.canHold(event)) return false;
        return this.put(event, position, event.type === 'directory.added' ? position : null);
      case 'attributes.changed':
        return this.isThere(event, position);
      case 'path.removed':
        return this.isThere(event, position) && this.put(event, position, undefined);
      case 'path.renamed':
        return this.renamed(event, position);
      case 'path.restored':
        return this.restored(event, position);
      default:
        return true;
    }
  }

  private renamed({ from, to }: Extract<HkfsEvent, { type: 'path.renamed' }>, position: Position): boolean {
    if (!this.isThere(from, position) || !this.canHold(to)) return false;
    const id = this.at(from, position);
    if (typeof id === 'number' && this.above(to.parent).includes(id)) return false;
    return this.put(from, position, undefined) && this.put(to, position, id);
  }

  private restored(event: Extract<HkfsEvent, { type: 'path.restored' }>, position: Position): boolean {
    if (event.at >= position || !this.canHold(event)) return false;
    const id = this.at(event, event.at);
    if (id === undefined) return false;
    const place = typeof id === 'number' ? this.places.get(id)! : event;
    const isElsewhere = typeof id === 'number' && keyOf(place) !== keyOf(event) && this.at(place) === id;
    return !isElsewhere && this.put(event, position, id);
  }

  private put({ parent, name }: Place, position: Position, id: Id): true {
    const key = keyOf({ parent, name });
    this.held.set(key, [...(this.held.get(key) ?? []), { position, id }]);
    if (typeof id === 'number') this.places.set(id, { parent, name });
    return true;
  }

  private at(place: Place, position = Infinity): Id {
    return this.held.get(keyOf(place))?.findLast((held) => held.position <= position)?.id;
  }

  private isThere(place: Place, position: Position): boolean {
    return this.canHold(place) && this.at(place, position) !== undefined;
  }

  private canHold({ parent, name }: Place): boolean {
    return isValidName(name) && !(parent === 0 && name === '.hkfs') && this.above(parent).at(-1) === 0;
  }

  /** The directory and those above it, as far as each is where it was put. */
  private above(id: DirectoryId): DirectoryId[] {
    const ids: DirectoryId[] = [];
    for (let at = id; ;) {
      ids.push(at);
      const place = this.places.get(at);
      if (at === 0 || place === undefined || this.at(place) !== at) return ids;
      at = place.parent;
    }
  }
}

function keyOf({ parent, name }: Place): string {
  return `${parent} ${name}`;
}
