import { defineConfig, globalIgnores } from "eslint/config";
import vitals from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";

export default defineConfig([
  ...vitals,
  ...typescript,
  {
    rules: {
      "react/no-danger": "error",
      "react/jsx-no-target-blank": "error",
      // next/image fetches through the server, which the files of messages never pass.
      "@next/next/no-img-element": "off",
    },
  },
  globalIgnores([".next/**", "next-env.d.ts"]),
]);
