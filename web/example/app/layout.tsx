import type { Metadata, Viewport } from "next";
import { connection } from "next/server";
import type { ReactNode } from "react";
import "./globals.css";

export const metadata: Metadata = {
  title: "devinbox",
  description: "A chat between clients and the developers who answer them.",
};

export const viewport: Viewport = {
  colorScheme: "light dark",
  interactiveWidget: "resizes-content", // the keyboard of a phone pushes the field up instead of covering it
};

export default async function Layout({ children }: { children: ReactNode }) {
  await connection(); // rendered for each request: the nonce of proxy.ts is in every page
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
