package testdb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/devstack/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		testdb.New(b)
	}
}

func TestMany(t *testing.T) {
	for n := range 20 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.Connect(t.Context(), testdb.New(t))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			var count int
			if err := conn.QueryRow(t.Context(), "select count(*) from chat.message").Scan(&count); err != nil || count != 0 {
				t.Fatal(err, count)
			}
		})
	}
}

func TestOwn(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t)
	s.Stop()
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Fatal("still there")
	}
	s.Start()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(context.Background())
}
