/**
 * Mutation operators: which tokens of a source are replaced, and by what. They work on the syntax
 * tree, so that types, imports, strings and comments are never changed.
 *
 * Left out on purpose: `+` beside a string in quotes or backticks, where `-` would only be a type
 * error, and numbers that name a property.
 * @module
 */

/** The replacement of each operator. Comparisons move by their boundary, which is the harder case. */
export const OPERATORS: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "&&": "||",
  "||": "&&",
  "??": "&&",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "<<": ">>",
  ">>": "<<",
  ">>>": ">>",
  "&": "|",
  "|": "&",
  "^": "&",
  "+=": "-=",
  "-=": "+=",
  "*=": "/=",
  "/=": "*=",
  "&&=": "||=",
  "||=": "&&=",
  "??=": "&&=",
  "&=": "|=",
  "|=": "&=",
  "^=": "&=",
  "<<=": ">>=",
  ">>=": "<<=",
  ">>>=": ">>=",
  "++": "--",
  "--": "++",
};

/** One token and its replacement. */
export interface Mutation {
  /** Where the token starts, in UTF-16 units from the start of the source. */
  readonly offset: number;
  /** The token. */
  readonly before: string;
  /** What replaces it; empty if the token is removed. */
  readonly after: string;
}

type Node = Deno.lint.Node;
type Operation =
  | Deno.lint.BinaryExpression
  | Deno.lint.LogicalExpression
  | Deno.lint.AssignmentExpression;

/** The lint rule: reports each mutation as JSON. */
export function mutations(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const { text } = context.sourceCode;
  const report = (mutation: Mutation) => {
    const range: [number, number] = [mutation.offset, mutation.offset + mutation.before.length];
    context.report({ range, message: JSON.stringify(mutation) });
  };
  const replace = (operator: string, offset: number) => {
    const after = OPERATORS[operator];
    if (after !== undefined) report({ offset, before: operator, after });
  };
  const operation = (node: Operation) => {
    if (joinsText(node) || isNullishChain(node)) return;
    replace(node.operator, operatorOffset(text, node));
  };
  return {
    BinaryExpression: operation,
    LogicalExpression: operation,
    AssignmentExpression: operation,
    UpdateExpression: (node) =>
      replace(node.operator, node.prefix ? node.range[0] : node.range[1] - node.operator.length),
    UnaryExpression(node) {
      const [offset] = node.range;
      if (node.operator === "!") report({ offset, before: "!", after: "" });
      if (node.operator === "-") report({ offset, before: "-", after: "+" });
    },
    Literal(node) {
      if (isNoValue(node)) return;
      const [offset, end] = node.range;
      const before = text.slice(offset, end);
      for (const after of literalReplacements(before)) report({ offset, before, after });
    },
  };
}

/** The operator stands after the left operand; only closing brackets and comments come between. */
function operatorOffset(text: string, node: Operation): number {
  const start = node.left.range[1];
  const between = text.slice(start, node.right.range[0]);
  const skipped = between.match(/^(?:[\s)]|\/\*[\s\S]*?\*\/|\/\/[^\n]*)*/);
  return start + (skipped?.[0].length ?? 0);
}

/** Whether `+` puts texts together: one side is a string, as it is written or in a chain of `+`. */
function joinsText(node: Operation): boolean {
  if (node.operator !== "+" && node.operator !== "+=") return false;
  return isText(node.left) || isText(node.right);
}

function isText(node: Node): boolean {
  if (node.type === "TemplateLiteral") return true;
  if (node.type === "Literal") return typeof node.value === "string";
  return node.type === "BinaryExpression" && joinsText(node);
}

/** `a ?? b ?? c` with one `&&` is a syntax error. */
function isNullishChain(node: Operation): boolean {
  return node.operator === "??" &&
    [node.left, node.right, node.parent].some((other) =>
      other.type === "LogicalExpression" && other.operator === "??"
    );
}

/** Whether a literal is a type or names a property. */
function isNoValue(node: Node & { parent: Node }): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "TSLiteralType":
    case "TSEnumMember":
      return true;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return !parent.computed && parent.key.range[0] === node.range[0];
    default:
      return false;
  }
}

/** By the literal's text: the linter has no value for a number with separators. */
function literalReplacements(literal: string): string[] {
  if (literal === "true") return ["false"];
  if (literal === "false") return ["true"];
  if (!/^[\d.]/.test(literal)) return [];
  const digits = literal.replaceAll("_", "");
  if (digits.endsWith("n")) {
    const value = BigInt(digits.slice(0, -1));
    return [`${value + 1n}n`, bracketed(`${value - 1n}n`)];
  }
  const value = Number(digits);
  // Beyond 2^53 the next number is not one more.
  return [value + 1, value - 1].filter((other) => other !== value)
    .map((other) => bracketed(String(other)));
}

/** A negative number in brackets: `a -1` is fine, `a --1` is not. */
function bracketed(number: string): string {
  return number.startsWith("-") ? `(${number})` : number;
}
