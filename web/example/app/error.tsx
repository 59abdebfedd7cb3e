"use client";

/** Stands where a page broke. */
export default function ErrorPage({ reset }: { error: Error; reset: () => void }) {
  return (
    <main className="centre">
      <h1>Something went wrong</h1>
      <p>What you have written is not lost.</p>
      <button type="button" className="button primary" onClick={reset}>
        Try again
      </button>
    </main>
  );
}
