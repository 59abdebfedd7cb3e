import { defineConfig, globalIgnores } from "eslint/config";
import next from "eslint-config-next/core-web-vitals";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Globals that a local must not take the name of, because whoever reads that name means the real thing. It is a choice:
// a browser has 1,000, such as `name`, `open`, `status` and `event`, which are good words for locals.
const globals = Object.fromEntries(
  [
    ...["clearInterval", "clearTimeout", "console", "crypto", "document", "fetch", "localStorage", "location"],
    ...["navigator", "process", "setInterval", "setTimeout", "window"],
  ].map((name) => [name, "readonly"]),
);

export default defineConfig([
  globalIgnores(["client/src/openapi.ts", "**/dist", "**/.next", "**/next-env.d.ts", "**/test-results"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: ["**/*.mjs"], extends: [tseslint.configs.strict] },
  {
    files: ["example/**/*.{ts,tsx}"],
    // Without its parser: TypeScript is read by the one that knows the types.
    extends: [next.map((config) => ({ ...config, languageOptions: {} }))],
    settings: { next: { rootDir: "example" } },
    rules: {
      "react/no-danger": "error",
      "react/jsx-no-target-blank": "error",
      // next/image fetches through the server, which the files of messages never pass.
      "@next/next/no-img-element": "off",
    },
  },
  { files: ["client/**/*.{ts,tsx}"], extends: [reactHooks.configs.flat.recommended] },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      globals,
      parserOptions: { project: ["*/tsconfig.json", "*/test/tsconfig.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-shadow": [
        "error",
        // React's events have the names of the browser's.
        { builtinGlobals: true, allow: ["KeyboardEvent", "MouseEvent", "SubmitEvent"] },
      ],
      // A number is its own text. What may be undefined is still an error.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `onClick={() => close()}` has one meaning, and braces would not make it clearer.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["client/test/**", "example/test/**", "e2e/**"],
    rules: {
      // A test that does not find what it looks at has to fail there.
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["e2e/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        { property: "unroute", message: "Use intercept: unroute may leave requests without an answer." },
      ],
    },
  },
]);
