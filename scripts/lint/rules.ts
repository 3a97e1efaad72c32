/**
 * Lint rules of this project. Each is a function from a rule context to a visitor; `plugin.ts`
 * names them.
 * @module
 */

/** Maximum lines of a function, from its parameters to its closing brace. */
export const FUNCTION_MAX_LINES = 60;
/** Maximum lines of a file. */
export const FILE_MAX_LINES = 400;
/** Maximum positional parameters of a function. */
export const POSITIONAL_MAX = 2;

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;
type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Number of lines of a text; a line feed at its end does not start another line. */
function lineCount(text: string): number {
  return text.replace(/\n$/, "").split("\n").length;
}

function everyFunction(visit: (node: FunctionNode) => void): Visitor {
  return {
    FunctionDeclaration: visit,
    FunctionExpression: visit,
    ArrowFunctionExpression: visit,
  };
}

/**
 * Forbids the `private` keyword, which has no effect at run time: private members are written
 * `#name`.
 */
export function privateFields(context: Context): Visitor {
  const check = (node: Deno.lint.Node) => {
    if (!/^private\b/.test(context.sourceCode.getText(node))) return;
    context.report({
      node,
      message: "a private member has the private keyword",
      hint: "write #name",
    });
  };
  return {
    PropertyDefinition: check,
    MethodDefinition: check,
    TSParameterProperty: check,
  };
}

/**
 * Allows two positional parameters at most; a rest parameter counts as one. A function that is an
 * argument of a call is exempt, since the called function decides its parameters.
 */
export function positionalParameters(context: Context): Visitor {
  return everyFunction((node) => {
    const parent = node.parent;
    if (parent.type === "CallExpression" || parent.type === "NewExpression") return;
    const positional = node.params.filter((parameter) =>
      !(parameter.type === "Identifier" && parameter.name === "this")
    );
    if (positional.length <= POSITIONAL_MAX) return;
    context.report({
      node,
      message: `${positional.length} positional parameters; maximum ${POSITIONAL_MAX}`,
      hint: "replace all but the first by an options object",
    });
  });
}

/** Limits the length of a function to about one screen. */
export function functionLength(context: Context): Visitor {
  return everyFunction((node) => {
    const lines = lineCount(context.sourceCode.getText(node));
    if (lines <= FUNCTION_MAX_LINES) return;
    context.report({
      node,
      message: `a function is ${lines} lines long; maximum ${FUNCTION_MAX_LINES}`,
      hint: "move parts of it to functions",
    });
  });
}

/** Limits the length of a file. */
export function fileLength(context: Context): Visitor {
  return {
    Program(node) {
      const lines = lineCount(context.sourceCode.text);
      if (lines <= FILE_MAX_LINES) return;
      context.report({
        range: [node.range[0], node.range[0]],
        message: `a file is ${lines} lines long; maximum ${FILE_MAX_LINES}`,
        hint: "split it by topic",
      });
    },
  };
}

/** Forbids default exports, which have no name to search for. */
export function noDefaultExport(context: Context): Visitor {
  return {
    ExportDefaultDeclaration(node) {
      context.report({ node, message: "a default export", hint: "export it by name" });
    },
  };
}

/** Forbids module variables: all nodes in a process would share them. */
export function noModuleState(context: Context): Visitor {
  return {
    VariableDeclaration(node) {
      if (node.kind === "const" || node.declare) return;
      const parent = node.parent as Deno.lint.Node;
      if (parent.type !== "Program" && parent.type !== "ExportNamedDeclaration") return;
      context.report({
        node,
        message: "a mutable module variable",
        hint: "make it a const, or a field of an object",
      });
    },
  };
}

/** Paths that may use `Deno`: lib/deno, the programs, scripts and tests. */
const PLATFORM_PATHS =
  /^(lib\/deno\/.+|main\.ts|cli\.ts|scripts\/.+|tests\/.+|(.+\/)?[^/]+(_test|_bench)\.ts)$/;
const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/**
 * Forbids `Deno` outside lib/deno: other code uses the interfaces of lib/runtime.ts, which tests
 * can replace.
 */
export function noPlatform(context: Context): Visitor {
  const { filename } = context;
  const path = filename.startsWith(ROOT) ? filename.slice(ROOT.length) : filename;
  if (PLATFORM_PATHS.test(path)) return {};
  return {
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.object.name !== "Deno") return;
      context.report({
        node,
        message: "Deno is used outside lib/deno",
        hint: "use an interface of lib/runtime.ts",
      });
    },
  };
}

/** The literal parts of a message; a value at its start or end yields an empty part. */
function messageTexts(node: Deno.lint.Node): string[] | undefined {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : undefined;
    case "TemplateLiteral":
      return node.quasis.map((quasi) => quasi.cooked);
    case "BinaryExpression":
      return node.operator === "+"
        ? [...messageTexts(node.left) ?? [""], ...messageTexts(node.right) ?? [""]]
        : undefined;
    default:
      return undefined;
  }
}

/** Why an error message violates the format; `undefined` if it does not. */
function formatViolation(texts: readonly string[]): string | undefined {
  const start = texts.at(0) ?? "";
  const end = texts.at(-1) ?? "";
  if (texts.some((text) => text.includes("\n"))) return "is not one line";
  if (/[.!\s]$/.test(end)) return "ends with a full stop, a ! or a space";
  if (/^\s/.test(start)) return "starts with a space";
  if (/^(error|oops|sorry|please)\b/i.test(start)) return "starts with a redundant word";
  if (/^[A-Z][a-z]/.test(start)) return "starts with a capital letter";
  return undefined;
}

/**
 * Checks the format of error messages: one line, without a capital letter at the start (it follows
 * the name of the program or another message) and without a full stop at the end.
 */
export function errorWording(context: Context): Visitor {
  // Tests also throw errors that imitate those of other code.
  if (/_test\.ts$/.test(context.filename)) return {};
  return {
    NewExpression(node) {
      if (node.callee.type !== "Identifier" || !/^[A-Z]\w*Error$/.test(node.callee.name)) return;
      for (const argument of node.arguments) {
        const violation = formatViolation(messageTexts(argument) ?? []);
        if (violation === undefined) continue;
        context.report({
          node: argument,
          message: `an error message ${violation}`,
          hint:
            "write one line, in lower case, without a full stop: what failed, the value, what was expected",
        });
      }
    },
  };
}
