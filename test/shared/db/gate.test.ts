import { setTimeout as sleep } from 'node:timers/promises';
import { Gate, type Priority } from '../../../src/shared/db/gate';
import { eventually } from '../../support/eventually';

async function pass(gate: Gate, priority: Priority, note: () => void, ms = 0): Promise<void> {
  await gate.enter(priority, 10_000);
  note();
  if (ms > 0) await sleep(ms);
  gate.leave();
}

describe('the gate before the one SQLite connection', () => {
  test('lets one in at a time, in order of arrival', async () => {
    const gate = new Gate();
    const order: number[] = [];
    let inside = 0;
    const visit = async (i: number) => {
      await gate.enter('normal', 10_000);
      inside += 1;
      expect(inside).toBe(1);
      order.push(i);
      await sleep(1);
      inside -= 1;
      gate.leave();
    };
    await Promise.all(Array.from({ length: 30 }, (_, i) => visit(i)));
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test('background work gives way', async () => {
    const gate = new Gate();
    const order: string[] = [];
    const holding = pass(gate, 'normal', () => order.push('first'), 5);
    const background = pass(gate, 'background', () => order.push('background'));
    const normal = Array.from({ length: 3 }, () => pass(gate, 'normal', () => order.push('normal')));
    await Promise.all([holding, background, ...normal]);
    expect(order).toEqual(['first', 'normal', 'normal', 'normal', 'background']);
  });

  test('neither side starves under a load without end', async () => {
    const gate = new Gate();
    const passed = { normal: 0, background: 0 };
    let going = true;
    const load = async (priority: Priority) => {
      while (going)
        await pass(
          gate,
          priority,
          () => {
            passed[priority] += 1;
          },
          1,
        );
    };
    const loads = [load('normal'), load('normal'), load('normal'), load('background'), load('background')];
    await eventually(async () => expect(passed.background).toBeGreaterThan(2));
    going = false;
    await Promise.all(loads);
    expect(passed.normal).toBeGreaterThan(passed.background * 2);
  });

  test('who waits too long is told so, and nobody is kept out by it', async () => {
    const gate = new Gate();
    await gate.enter('normal', 100);
    await expect(gate.enter('normal', 50)).rejects.toThrow('No answer within 50 ms');
    const next = gate.enter('normal', 1000);
    gate.leave();
    await next;
    gate.leave();
    await gate.enter('background', 100);
  });

  test('a long queue of quick work lets the event loop turn', async () => {
    const gate = new Gate();
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const busy = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
    };
    await Promise.all(Array.from({ length: 100 }, () => pass(gate, 'normal', busy)));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});
