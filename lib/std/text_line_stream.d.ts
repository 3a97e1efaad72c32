/** Text chunks in, one line a chunk out, without its `\n` or `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  /** `allowCR`: a lone `\r` ends a line too. */
  constructor(options?: { allowCR?: boolean });
}
