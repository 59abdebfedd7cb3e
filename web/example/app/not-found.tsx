import Link from "next/link";

export default function NotFound() {
  return (
    <main className="centre">
      <h1>There is nothing here</h1>
      <p>
        <Link href="/">To the beginning</Link>
      </p>
    </main>
  );
}
