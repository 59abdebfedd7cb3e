// eslint-disable-next-line @typescript-eslint/no-shadow -- it is the global, which this package has no types for
declare const process: { env: { NODE_ENV?: string } };

const HINT =
  "@devinbox/client: what answers is not devinbox, or does not accept this page. Look at the rewrite of /api in next.config, " +
  "or at `baseUrl`; on another origin at CHAT_ALLOWED_ORIGINS; and at whether the token is signed with CHAT_JWT_SECRET.";

/** Says on the console what to look at, in development only. */
export function warnOfSetup(): void {
  try {
    if (process.env.NODE_ENV !== "production") console.warn(HINT);
  } catch {
    // There is no `process` without a bundler.
  }
}
