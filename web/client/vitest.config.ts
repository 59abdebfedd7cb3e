import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    // Vitest leaves a core to others, and on two cores would run one file after the other.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    minWorkers: 1,
    testTimeout: 180_000, // for a machine that does other things as well
    unstubGlobals: true,
    restoreMocks: true,
  },
});
