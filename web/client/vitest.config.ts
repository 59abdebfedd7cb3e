import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    testTimeout: 180_000, // for a machine that does other things as well
    unstubGlobals: true,
    restoreMocks: true,
  },
});
