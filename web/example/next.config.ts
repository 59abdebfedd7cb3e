import type { NextConfig } from "next";

// Where devinbox answers, if it is not on this app's own origin. `devinbox dev` and a deployment that holds both
// need no answer here: there the functions' paths never reach Next.js.
const devinbox = process.env.DEVINBOX_URL?.replace(/\/+$/, "");

// As in internal/serve/functions.go; a test compares the two.
const functions = [
  "/api/attachments",
  "/api/messages/:path*",
  "/api/conversations/:path*",
  "/api/pusher/:path*",
  "/api/cron/:path*",
  "/api/session",
  "/api/health",
];

const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false, // it would lie on the field to write in
  // In development `devinbox dev` stands in front of Next.js, under another name and port than Next.js was started with.
  allowedDevOrigins: [
    "localhost",
    "*.localhost",
    "127.0.0.1",
    ...(process.env.DEMO_HOSTS?.split(",").filter(Boolean) ?? []),
  ],
  rewrites: () =>
    Promise.resolve(devinbox ? functions.map((source) => ({ source, destination: devinbox + source })) : []),
  // The Content-Security-Policy has a nonce for each request and is set in proxy.ts.
  headers: () =>
    Promise.resolve([
      {
        source: "/:path*",
        headers: [
          { key: "X-Content-Type-Options", value: "nosniff" },
          { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
          { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=()" },
        ],
      },
    ]),
};

export default config;
