package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

// wait is how long a guest from an address is told to wait; none where it is admitted.
func (w *world) wait(address string) time.Duration {
	w.Helper()
	err := w.store.AdmitGuest(w.Context(), []byte(address))
	if err == nil {
		return 0
	}
	return wantKind(w.T, err, chat.RateLimited).RetryAfter
}

// later is as if so much time had gone by.
func (w *world) later(by time.Duration) {
	w.exec(`update chat.guest_rate set last_at = last_at - $1::interval,
		admitted = array(select a - $1::interval from unnest(admitted) with ordinality u (a, n) order by n)`, by.String())
}

// about tells whether a wait is the wanted one, less the little that has gone by.
func about(got, want time.Duration) bool { return got <= want && got > want-5*time.Second }

func TestTheWindowOfGuestsSlides(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range chat.GuestsPerMinute {
		if n == 4 {
			w.later(20 * time.Second)
		}
		if wait := w.wait("a"); wait != 0 {
			t.Fatalf("guest %d is to wait for %v", n+1, wait)
		}
	}
	// Four began 20 seconds before the other six.
	for range 2 {
		if wait := w.wait("a"); !about(wait, 40*time.Second) {
			t.Errorf("the eleventh is to wait for %v, want 40 s", wait)
		}
	}
	if wait := w.wait("b"); wait != 0 {
		t.Errorf("another address is to wait for %v", wait)
	}
	w.later(30 * time.Second)
	if wait := w.wait("a"); !about(wait, 10*time.Second) {
		t.Errorf("30 s later it is to wait for %v, want 10 s", wait)
	}
	w.later(10 * time.Second)
	for n := range 4 { // as many as have left the window: a refusal counts for nothing
		if wait := w.wait("a"); wait != 0 {
			t.Errorf("after the window, guest %d is to wait for %v", n+1, wait)
		}
	}
	if wait := w.wait("a"); !about(wait, 20*time.Second) {
		t.Errorf("the fifteenth is to wait for %v, want 20 s", wait)
	}
	if n := ask[int](w, "select max(cardinality(admitted)) from chat.guest_rate"); n != chat.GuestsPerMinute {
		t.Errorf("%d moments are kept, want %d", n, chat.GuestsPerMinute)
	}
}

func TestTheLimitOfGuestsIsExact(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const callers, rounds = 32, 4
	stores := [4]*postgres.Store{w.store, open(t, w.url), open(t, w.url), open(t, w.url)}
	addresses := [2]string{"a", "b"}
	for round := range rounds {
		var admitted [len(addresses)]atomic.Int64
		var calling sync.WaitGroup
		for n := range callers {
			calling.Go(func() {
				err := stores[n%len(stores)].AdmitGuest(t.Context(), []byte(addresses[n/4%2]))
				switch {
				case err == nil:
					admitted[n/4%2].Add(1)
				case chat.KindOf(err) != chat.RateLimited:
					t.Error(err)
				}
			})
		}
		calling.Wait()
		for i := range admitted {
			if n := admitted[i].Load(); n != chat.GuestsPerMinute {
				t.Errorf("round %d: %d guests from %s, want %d", round, n, addresses[i], chat.GuestsPerMinute)
			}
		}
		w.later(time.Minute + time.Second) // whoever comes now forgets the others' address on its way
	}
	if n := ask[int](w, "select deadlocks from pg_stat_database where datname = current_database()"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

func TestAnAddressThatIsBeingForgottenIsCountedAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.wait("a")
	err := w.overtaken("delete from chat.guest_rate", func() error { return w.store.AdmitGuest(t.Context(), []byte("a")) })
	if n := ask[int](w, "select coalesce(sum(cardinality(admitted)), 0) from chat.guest_rate"); err != nil || n != 1 {
		t.Errorf("%v, and %d guests are counted, want 1", err, n)
	}
}

func TestAddressesOfLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("insert into chat.guest_rate select ('old-' || i)::bytea, array[now()], now() - interval '61 seconds' from generate_series(1, 25) i")
	w.exec("insert into chat.guest_rate select ('new-' || i)::bytea, array[now()], now() - interval '30 seconds' from generate_series(1, 25) i")
	for _, left := range []int{15, 5, 0, 0} {
		w.wait("a")
		if n := ask[int](w, "select count(*) from chat.guest_rate where last_at < now() - interval '1 minute'"); n != left {
			t.Errorf("%d are left, want %d", n, left)
		}
	}
	if n := ask[int](w, "select count(*) from chat.guest_rate"); n != 26 {
		t.Errorf("%d are kept, want 26", n)
	}
}

func TestARefusedGuestWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range chat.GuestsPerMinute {
		w.wait("a")
	}
	const row = "select xmin::text || ctid::text || guest_rate::text from chat.guest_rate"
	before := ask[string](w, row)
	for range 5 {
		if w.wait("a") == 0 {
			t.Error("it is admitted")
		}
	}
	if after := ask[string](w, row); after != before {
		t.Errorf("the row was %s, and is %s", before, after)
	}
}

func TestAClockThatWasSetBackKeepsNoGuestOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range chat.GuestsPerMinute {
		w.wait("a")
	}
	w.later(-time.Hour)
	if wait := w.wait("a"); wait != 0 {
		t.Errorf("a guest is to wait for %v", wait)
	}
}
