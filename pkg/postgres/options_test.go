package postgres_test

import (
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres"
)

func TestAPoolHoldsAsManyConnectionsAsItIsToldAndNoMore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		maxConns  int
		parameter string
		want      int
	}{
		{"a function's", 0, "", 2},
		{"a server's", 7, "", 7},
		{"whatever the URL says", 3, "&pool_max_conns=9&pool_min_conns=9", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url := testdb.New(t)
			store, err := postgres.Open(postgres.Options{URL: url + test.parameter, MaxConns: test.maxConns}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			w := &world{t, url, store, look(t, url)}
			// More callers than connections, until there are as many as there may be and for a while longer.
			var callers sync.WaitGroup
			over := make(chan struct{})
			for range 4 * test.want {
				callers.Go(func() {
					for {
						select {
						case <-over:
							return
						default:
							store.Queue(t.Context(), 1)
						}
					}
				})
			}
			connections := func() int {
				return ask[int](w, "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'devinbox'")
			}
			most := 0
			for end := time.Now().Add(20 * time.Second); most < test.want && time.Now().Before(end); {
				most = max(most, connections())
			}
			for range 20 {
				most = max(most, connections())
			}
			close(over)
			callers.Wait()
			if most != test.want {
				t.Errorf("%d connections at once, want %d", most, test.want)
			}
		})
	}
}
