// Package testdb gives each test a Postgres database of its own.
//
// The databases are on the server that DEVINBOX_TEST_DATABASE_URL names, which must be on this machine, and where it
// is not set on a throw-away server: made when a test of the process first asks for a database, and gone with the
// process, however that ends. What DATABASE_URL names is never touched.
//
// On a server that is given, a template (devinbox_template_…) stays for each state of the schema, and where a process is
// killed, so do the databases of its tests (devinbox_test_…).
package testdb

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
)

// New returns the URL of a database that is migrated and holds nothing. It is the test's own, and dropped at its end.
func New(t testing.TB) string {
	t.Helper()
	h := present(t)
	template, err := h.template()
	if err != nil {
		t.Fatalf("testdb: make the template: %v", err)
	}
	return h.create(t, template)
}

// Empty is New without the migrations.
func Empty(t testing.TB) string {
	t.Helper()
	return present(t).create(t, "template0")
}

// Main runs a package's tests and waits until the throw-away server, if there was one, is gone:
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// Without it the server goes as well, but a moment after the tests. Each of the checks, which are of what all
// tests together have done, runs where they passed, and fails them by an error.
func Main(m *testing.M, checks ...func() error) {
	code := m.Run()
	throwAway.end()
	for _, check := range checks {
		if code != 0 {
			break
		}
		if err := check(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func present(t testing.TB) *host {
	t.Helper()
	h, err := shared()
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	return h
}

// create makes a database that lives as long as t.
func (h *host) create(t testing.TB, template string) string {
	t.Helper()
	name := "devinbox_test_" + strings.ToLower(rand.Text())
	if _, err := h.pool.Exec(t.Context(), "create database "+name+" template "+template); err != nil {
		t.Fatalf("testdb: create a database: %v", err)
	}
	t.Cleanup(func() {
		// By force: a connection that a test left open is no reason to keep its database.
		if _, err := h.pool.Exec(context.Background(), "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("testdb: drop the database: %v", err)
		}
	})
	return h.url(name)
}
