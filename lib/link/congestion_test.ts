import { assertAlmostEquals, assertEquals } from "@std/assert";
import { CongestionControl } from "./congestion.ts";

Deno.test("the retransmission timeout follows RFC 6298", () => {
  const control = new CongestionControl();
  assertEquals(control.timeoutMs, 250);
  // Section 2.2: SRTT = R, RTTVAR = R/2; RTO = SRTT + 4 RTTVAR.
  control.sampleRtt(100);
  assertEquals(control.timeoutMs, 300);
  // Section 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|; SRTT = 7/8 SRTT + 1/8 R.
  control.sampleRtt(180);
  assertEquals(control.timeoutMs, 110 + 4 * 57.5);
  control.sampleRtt(110);
  assertEquals(control.timeoutMs, 110 + 4 * 43.125);
});

Deno.test("the retransmission timeout has bounds", () => {
  const near = new CongestionControl();
  near.sampleRtt(1);
  assertEquals(near.timeoutMs, 60);
  const far = new CongestionControl();
  far.sampleRtt(5_000);
  assertEquals(far.timeoutMs, 2_000);
});

Deno.test("loss without any ack backs off, up to four times the timeout; an ack ends that", () => {
  const control = new CongestionControl();
  const timeouts = Array.from({ length: 7 }, () => {
    control.lost(1);
    return Math.round(control.timeoutMs);
  });
  assertEquals(timeouts, [325, 423, 549, 714, 928, 1_000, 1_000]);
  control.acknowledged(1);
  assertEquals(control.timeoutMs, 250);
  control.lost(1);
  assertEquals(control.timeoutMs, 250, "one was acknowledged since the loss before");
  control.lost(1);
  assertAlmostEquals(control.timeoutMs, 325);
});

Deno.test("the bounds hold with back-off: it multiplies the minimum and does not exceed the maximum", () => {
  const near = new CongestionControl();
  near.sampleRtt(1);
  near.lost(1);
  assertAlmostEquals(near.timeoutMs, 78);
  const far = new CongestionControl();
  far.sampleRtt(300);
  for (let each = 0; each < 10; each++) far.lost(1);
  assertEquals(far.timeoutMs, 2_000);
});

Deno.test("acks widen the window by half their number, up to 48", () => {
  const control = new CongestionControl();
  const windows = [1, 1, 8, 55, 10].map((packets) => {
    control.acknowledged(packets);
    return control.window;
  });
  assertEquals(windows, [16, 17, 21, 48, 48]);
});

Deno.test("the window halves only if more packets are lost than acknowledged, down to 4", () => {
  const control = new CongestionControl();
  assertEquals(control.window, 16);
  control.acknowledged(4);
  control.lost(4);
  assertEquals(control.window, 18, "as many lost as acknowledged");
  control.acknowledged(4);
  control.lost(5);
  assertEquals(control.window, 10);
  control.lost(0);
  assertEquals(control.window, 10, "nothing was lost");
  const windows = [1, 1, 1].map((packets) => {
    control.lost(packets);
    return control.window;
  });
  assertEquals(windows, [5, 4, 4]);
});

Deno.test("a check without loss keeps what was acknowledged since the last loss", () => {
  const control = new CongestionControl();
  control.acknowledged(2);
  control.lost(0);
  control.lost(2);
  assertEquals([control.window, control.timeoutMs], [17, 250]);
});
