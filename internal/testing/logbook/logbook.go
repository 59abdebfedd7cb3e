// Package logbook keeps the output of a program under test, so a test can read it while the program runs.
package logbook

import (
	"bytes"
	"log/slog"
	"sync"
)

// Book is an [io.Writer] that remembers everything. Its zero value is empty; it can be used by several goroutines at once.
type Book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps text. It never fails.
func (b *Book) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

// String is everything that was written so far.
func (b *Book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Logger writes its records into the book, as the functions do: one JSON object a line.
func (b *Book) Logger() *slog.Logger { return slog.New(slog.NewJSONHandler(b, nil)) }
