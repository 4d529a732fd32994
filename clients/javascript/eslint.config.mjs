// Strict, with types, for what is published; the recommended rules for programs around it.

import tseslint from "typescript-eslint";

const [recommended] = tseslint.configs.recommended;

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "src/_generated/"] },
  {
    files: ["src/**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "no-console": ["error", { allow: ["warn"] }],
      "@typescript-eslint/explicit-function-return-type": ["error", { allowExpressions: true }],
      "@typescript-eslint/explicit-member-accessibility": ["error", { accessibility: "no-public" }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // It wants `!`, which another rule forbids: an assertion to a type says what is there.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      // What a callback, a signal or a transport of the user's own throws is passed on as it is.
      "@typescript-eslint/only-throw-error": ["error", { allowRethrowing: true }],
    },
  },
  {
    files: ["**/*.mjs"],
    ...recommended,
    rules: {
      eqeqeq: "error",
      "no-undef": "off",
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
);
