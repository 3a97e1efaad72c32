/**
 * The house's own lint rules: what `deno lint` cannot know by itself. Each is one function from a
 * rule context to a visitor; `plugin.ts` names them.
 * @module
 */

/** The longest function, counted from its parameters to its closing brace. */
export const FUNCTION_MAX_LINES = 60;
/** The longest file. */
export const FILE_MAX_LINES = 400;
/** Beyond this many positional parameters a function takes an options object. */
export const POSITIONAL_MAX = 2;

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;
type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** How many lines a text spans; a newline at its very end starts no further line. */
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

/** A keyword that only the compiler enforces hides nothing at run time; `#name` does. */
export function privateFields(context: Context): Visitor {
  const check = (node: Deno.lint.Node) => {
    if (!/^private\b/.test(context.sourceCode.getText(node))) return;
    context.report({
      node,
      message: "a private member is written with the private keyword",
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
 * Two positional parameters at most, a rest parameter counted as one. A function written in the
 * place of an argument is left alone: whoever calls it has decided its parameters.
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
      message: `${positional.length} positional parameters where ${POSITIONAL_MAX} are the most`,
      hint: "take one options object for those that follow the first",
    });
  });
}

/** A function that does not fit a screen does more than one thing. */
export function functionLength(context: Context): Visitor {
  return everyFunction((node) => {
    const lines = lineCount(context.sourceCode.getText(node));
    if (lines <= FUNCTION_MAX_LINES) return;
    context.report({
      node,
      message: `a function of ${lines} lines where ${FUNCTION_MAX_LINES} are the most`,
      hint: "split off the parts that have a name of their own",
    });
  });
}

/** A file holds one main thing. */
export function fileLength(context: Context): Visitor {
  return {
    Program(node) {
      const lines = lineCount(context.sourceCode.text);
      if (lines <= FILE_MAX_LINES) return;
      context.report({
        range: [node.range[0], node.range[0]],
        message: `a file of ${lines} lines where ${FILE_MAX_LINES} are the most`,
        hint: "split it by what its parts are for",
      });
    },
  };
}

/** A default export has no name that one could search for. */
export function noDefaultExport(context: Context): Visitor {
  return {
    ExportDefaultDeclaration(node) {
      context.report({ node, message: "a default export", hint: "export it under its name" });
    },
  };
}

/** State of a module is shared by every node in the process; state belongs to an object. */
export function noModuleState(context: Context): Visitor {
  return {
    VariableDeclaration(node) {
      if (node.kind === "const" || node.declare) return;
      const parent = node.parent as Deno.lint.Node;
      if (parent.type !== "Program" && parent.type !== "ExportNamedDeclaration") return;
      context.report({
        node,
        message: "a variable of the module that can change",
        hint: "make it a const, or a field of the object whose state it is",
      });
    },
  };
}

/** Where `Deno` may be named: the platform's own room, the programs, and what is no part of them. */
const PLATFORM_PATHS =
  /^(lib\/deno\/.+|main\.ts|cli\.ts|scripts\/.+|tests\/.+|(.+\/)?[^/]+(_test|_bench)\.ts)$/;
const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Everything outside the platform's room is handed a runtime, so that a test can hand it another. */
export function noPlatform(context: Context): Visitor {
  const { filename } = context;
  const path = filename.startsWith(ROOT) ? filename.slice(ROOT.length) : filename;
  if (PLATFORM_PATHS.test(path)) return {};
  return {
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.object.name !== "Deno") return;
      context.report({
        node,
        message: "Deno is named outside lib/deno",
        hint: "take what it does through an interface of lib/runtime.ts",
      });
    },
  };
}

/** The texts of a message written in place, an empty one where a value comes first or last. */
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

/** Why a message reads badly after `gcheck: `, or nothing. */
function wordingFault(texts: readonly string[]): string | undefined {
  const start = texts.at(0) ?? "";
  const end = texts.at(-1) ?? "";
  if (texts.some((text) => text.includes("\n"))) return "is not one line";
  if (/[.!\s]$/.test(end)) return "ends with a full stop, a ! or a space";
  if (/^\s/.test(start)) return "starts with a space";
  if (/^(error|oops|sorry|please)\b/i.test(start)) return "starts with a word that says nothing";
  if (/^[A-Z][a-z]/.test(start)) return "starts with a capital letter";
  return undefined;
}

/**
 * An error's message is one line, starts small (it follows a program's name or another message)
 * and ends without a full stop.
 */
export function errorWording(context: Context): Visitor {
  // What a test throws stands in for anything that somebody else may throw.
  if (/_test\.ts$/.test(context.filename)) return {};
  return {
    NewExpression(node) {
      if (node.callee.type !== "Identifier" || !/^[A-Z]\w*Error$/.test(node.callee.name)) return;
      for (const argument of node.arguments) {
        const fault = wordingFault(messageTexts(argument) ?? []);
        if (fault === undefined) continue;
        context.report({
          node: argument,
          message: `an error message ${fault}`,
          hint: "one line, in lower case, without a full stop: what is at fault, what was expected",
        });
      }
    },
  };
}
