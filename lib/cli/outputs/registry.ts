export const OUTPUT_NAMES: readonly string[] = ["text", "json", "jsonl"];
