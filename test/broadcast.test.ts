// One producer, many subscribers: the order, those who come and go while a value is given, and the end.
import { describe, expect, it } from 'vitest';
import { Broadcast } from '../src/broadcast.js';

describe('a broadcast', () => {
  it('gives each value to all subscribers in the order in which they came', () => {
    const broadcast = new Broadcast<number>();
    const seen: string[] = [];
    broadcast.values$.subscribe((value) => seen.push(`a${value}`));
    broadcast.values$.subscribe((value) => seen.push(`b${value}`));
    broadcast.next(1);
    broadcast.next(2);
    expect(seen).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('gives nothing to who has left during the same value, and the next value to who came during it', () => {
    const broadcast = new Broadcast<number>();
    const seen: string[] = [];
    const join = (): unknown => broadcast.values$.subscribe((later) => seen.push(`new ${later}`));
    broadcast.values$.subscribe((value) => {
      if (value !== 1) return;
      second.unsubscribe();
      join();
    });
    const second = broadcast.values$.subscribe((value) => seen.push(`left ${value}`));
    broadcast.next(1);
    broadcast.next(2);
    expect(seen).toEqual(['new 2']);
  });

  it('completes for all, and at once for who comes later', () => {
    const broadcast = new Broadcast<number>();
    let completions = 0;
    const observer = {
      complete: () => {
        completions += 1;
      },
    };
    broadcast.values$.subscribe(observer);
    broadcast.complete();
    broadcast.values$.subscribe(observer);
    expect(completions).toBe(2);
  });
});
