/** Heads and proofs. */
import type { CommitHead, EventType, Head, Position } from '../../events/types.js';

/** A head for others, in the form that the rest of the world signs and checks. */
export interface SignedHead extends CommitHead {
  /** A C2SP checkpoint: text and signature. */
  readonly checkpoint: string;
}

/** A head that somebody wrote down: a position stands for the head just after its event. */
export type KnownHead = Head | { readonly position: Position } | { readonly checkpoint: string };

/** An event, to be proved part of the history; or a head, to be proved a beginning of it. */
export type ProofQuery = { readonly position: Position } | { readonly since: KnownHead };

export interface Proof extends SignedHead {
  readonly kind: 'inclusion' | 'consistency';
  /** Of an inclusion proof. */
  readonly position?: Position;
  /** Of a consistency proof: the older head. */
  readonly since?: Head;
  /** The file that `check-proof` reads (docs/proofs.md). */
  readonly proof: string;
}

/** What a proof says, once it was checked. */
export interface CheckedProof {
  /** False: whoever made the file was wrong, or it was altered. */
  readonly holds: boolean;
  /** Why it does not hold. */
  readonly reason?: string;
  readonly kind: 'inclusion' | 'consistency' | 'checkpoint';
  /** `hkfs/` and the id of the archive. */
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  /** What the last commit record of a signed head hashes to; not where an earlier hkfs signed. */
  readonly commit?: string;
  readonly position?: Position;
  /** The event that was proved; null where this hkfs cannot read it. */
  readonly event?: { readonly type: EventType; readonly data: Readonly<Record<string, unknown>> } | null;
  readonly since?: Head;
}
