// Package testdb gives each test a Postgres database of its own.
//
// The databases are on the server that DEVINBOX_TEST_DATABASE_URL names, which must be on this machine. If it is not
// set, they are on a temporary server: it is started when a test of the process first asks for a database, and
// removed when the process ends, for whatever reason. The server that DATABASE_URL names is never touched.
//
// On the server of DEVINBOX_TEST_DATABASE_URL, a template (devinbox_template_…) stays for each state of the schema, and
// if a process is killed, the databases of its tests (devinbox_test_…) stay too.
package testdb

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
)

// New returns the URL of a migrated, empty database. It belongs to the test, and is dropped when that ends.
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

// Made is Empty with what create database says further, such as: encoding 'LATIN1' locale 'C'.
func Made(t testing.TB, with string) string {
	t.Helper()
	return present(t).create(t, "template0 "+with)
}

// Main runs a package's tests and waits until the temporary server, if there was one, is removed:
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
// Without it the server is removed as well, but a moment after the tests. The checks are about what all tests have
// done together: each runs if the tests passed, and its error makes them fail.
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
		// With force, since a test may have left a connection open.
		if _, err := h.pool.Exec(context.Background(), "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("testdb: drop the database: %v", err)
		}
	})
	return h.url(name)
}
