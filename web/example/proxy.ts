import { type NextRequest, NextResponse } from "next/server";

/**
 * Gives every page a Content-Security-Policy with a nonce of its own. Next.js finds the nonce in the request's header and puts it on
 * its scripts, so nothing else may run. A page must be rendered for each request then; the layout sees to that.
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce);
  const headers = new Headers(request.headers);
  headers.set("Content-Security-Policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  return response;
}

function contentSecurityPolicy(nonce: string): string {
  const development = process.env.NODE_ENV === "development";
  return [
    "default-src 'self'",
    // React's development build evaluates code to show where an error came from.
    `script-src 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    // The development server puts styles into the page; a build has them in files.
    `style-src 'self'${development ? " 'unsafe-inline'" : ""}`,
    `connect-src 'self' ${realtimeSources(development)} ${fileSource()}`,
    `img-src 'self' data: blob: ${fileSource()}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Where pusher-js may connect to: Pusher, or the server in its place. */
function realtimeSources(development: boolean): string {
  const host = process.env.PUSHER_HOST;
  if (development) return "ws://localhost:* ws://127.0.0.1:* wss://*.pusher.com";
  if (!host) return "wss://*.pusher.com";
  const scheme = process.env.PUSHER_USE_TLS === "false" ? "ws" : "wss";
  return `${scheme}://${host}${process.env.PUSHER_PORT ? `:${process.env.PUSHER_PORT}` : ""}`;
}

/** Where files are put and fetched from: the object store, if there is one. */
function fileSource(): string {
  return process.env.S3_ENDPOINT?.replace(/^(https?:\/\/[^/]+).*/, "$1") ?? "";
}

/** Every page, one that is fetched in advance too: a browser shows it later with the headers that it came with. */
export const config = { matcher: ["/((?!api/|_next/static|_next/image|icon.svg).*)"] };
