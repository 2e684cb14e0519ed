// libvirt's domains as sources, by libvirt's own RPC.
import { existsSync, readFileSync } from 'node:fs';
import { CLOCK } from '../../clock.js';
import type { LibvirtAddress } from '../source.js';
import { type BudgetLimits, CallBudget } from './budget.js';
import type { Libvirtd } from './options.js';

/** Where libvirt listens: its modular daemon, then the one that has all drivers. */
const SOCKETS = ['/run/libvirt/virtqemud-sock', '/run/libvirt/libvirt-sock'] as const;

/** Of the running system: another after each boot. Never throws. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** The libvirtds that sources are of; those with one socket share one budget of calls. */
export class Libvirtds {
  readonly #limits: Partial<BudgetLimits>;
  readonly #filled: (path: string, is: boolean) => void;
  readonly #known = new Map<string, Libvirtd>();

  /** @param filled called when a libvirtd owes so many late answers that further ones take the places of new calls, and when it owes fewer. */
  constructor(limits: Partial<BudgetLimits>, filled: (path: string, is: boolean) => void) {
    this.#limits = limits;
    this.#filled = filled;
  }

  at({ socket, uri }: LibvirtAddress): Libvirtd {
    const path = socket ?? SOCKETS.find(existsSync) ?? SOCKETS[1];
    const key = `${path} ${uri}`;
    const known = this.#known.get(key);
    if (known) return known;
    const sibling = [...this.#known.values()].find((each) => each.path === path);
    const budget = sibling?.budget ?? new CallBudget(CLOCK, this.#limits, (is) => this.#filled(path, is));
    const libvirtd = { path, uri, budget };
    this.#known.set(key, libvirtd);
    return libvirtd;
  }

  /** Unanswered calls of each socket. */
  get counts(): ({ path: string } & CallBudget['counts'])[] {
    const budgets = new Map([...this.#known.values()].map(({ path, budget }) => [path, budget]));
    return [...budgets].map(([path, budget]) => ({ path, ...budget.counts }));
  }
}

export { BUDGET_LIMITS, type BudgetLimits } from './budget.js';
export { LibvirtDomainSource } from './domain-source.js';
export { LibvirtDomains } from './domains.js';
export type { LibvirtOptions } from './options.js';
