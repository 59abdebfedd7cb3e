package handler_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/pgbouncer"
	"devinbox/internal/testing/testdb"
)

// Behind a transaction pooler nobody can tell the server that a caller has given up: the pooler drops the cancel request
// of a client that has left, and replaces the connection, which goes on waiting. So a wait for a lock must end on the
// server, and soon enough that those who wait for the few connections are not given up themselves.
func TestBehindAPoolerALockedConversationHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t, "max_connections=30")
	pooler := pgbouncer.Start(t, testdb.Deployed(t, server.URL()), pgbouncer.Options{PoolSize: serversOfThePooler, MaxClients: 100})
	if pooler == nil {
		return
	}
	b := &behindPooler{
		world:  newWorldOn(t, server.URL(), "DATABASE_URL="+pooler.URL(), "CHAT_RATE_LIMIT=0"),
		pooler: pooler,
	}
	for range 6 {
		b.instances = append(b.instances, b.here())
	}
	// Both are connected before the server can run out of connections.
	b.holder, b.observer = connected(t, server.URL()), connected(t, server.URL())

	// One after the other, for they share what there is too little of.
	for _, held := range []time.Duration{2 * time.Second, 3 * time.Second, 12 * time.Second} {
		t.Run(held.String(), func(t *testing.T) { b.hold(t, held) })
	}
}

const (
	serversOfThePooler = 4
	keysOfAnInstance   = 5
)

// behindPooler is a deployment of several instances whose connections to Postgres are a pooler's, and few.
type behindPooler struct {
	*world
	pooler    *pgbouncer.Server
	instances []string

	holder, observer *pgx.Conn // past the pooler
}

func connected(t *testing.T, at string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// waiting is how many connections to Postgres wait for a lock.
func (b *behindPooler) waiting(t *testing.T) (n int) {
	t.Helper()
	if err := b.observer.QueryRow(t.Context(), "select count(*) from pg_stat_activity where wait_event_type = 'Lock'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold locks a conversation's row for so long, while each instance sends to that conversation and is asked for others.
func (b *behindPooler) hold(t *testing.T, held time.Duration) {
	at := func(instance string) *world {
		w := b.of(instance)
		w.t = t
		return w
	}
	locked := "locked-" + held.String()
	at(b.url).client(locked).post("/api/messages/send", `{"body":"Hello"}`).is(201)
	send := func(instance, key string) answer {
		return at(instance).developer("ada").post("/api/messages/send", `{"clientId":%s,"body":"Hi","clientMessageId":%s}`, locked, key)
	}
	if _, err := b.holder.Exec(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.holder.Exec(t.Context(), "select from chat.conversation where client_id = $1 for update", locked); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()

	var mu sync.Mutex
	sent, refused, others := map[string]bool{}, map[string]int{}, 0
	released, ended := make(chan struct{}), make(chan struct{})
	var senders, bystanders sync.WaitGroup
	for i, instance := range b.instances {
		// As on Vercel, an instance serves one send after the other. A caller that was refused tries again.
		senders.Go(func() {
			for round := 0; !closed(released); round++ {
				key := fmt.Sprintf("%d-%d", i, round%keysOfAnInstance)
				a := send(instance, key)
				stored := a.status == 200 || a.status == 201
				if !stored {
					a.fails(503, "unavailable")
				}
				mu.Lock()
				if stored {
					sent[key] = true
				} else {
					refused[key]++
				}
				mu.Unlock()
			}
		})
		bystanders.Go(func() {
			other := at(instance).client(fmt.Sprint("other-", i))
			for !closed(ended) {
				for what, call := range map[string]func() answer{
					"send": func() answer { return other.post("/api/messages/send", `{"body":"Hello"}`) },
					"list": func() answer { return other.get("/api/messages/list") },
				} {
					from := time.Since(begun)
					if a := call(); a.status/100 != 2 {
						t.Errorf("a %s of another conversation, %v after the lock, was answered %d after %v", what, from, a.status, time.Since(begun)-from)
					}
				}
				mu.Lock()
				others++
				mu.Unlock()
				select {
				case <-ended:
				case <-time.After(100 * time.Millisecond): // a steady stream, not as many as there can be
				}
			}
		})
	}

	time.Sleep(held - time.Since(begun)) // no condition to wait for: this long somebody holds the row
	if n := b.waiting(t); n > serversOfThePooler {
		t.Errorf("%d connections wait for the lock, and the pooler has %d: callers have given the others up", n, serversOfThePooler)
	}
	if _, err := b.holder.Exec(t.Context(), "commit"); err != nil {
		t.Fatal(err)
	}
	close(released)
	senders.Wait()
	close(ended)
	bystanders.Wait()
	for end := time.Now().Add(2 * time.Second); b.waiting(t) > 0 || b.pooler.Pool().ServersActive > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections still wait for a lock, and the pooler's are %+v", b.waiting(t), b.pooler.Pool())
		}
	}

	if len(refused) < len(b.instances) || others < len(b.instances) {
		t.Errorf("%d keys were refused and %d rounds of calls made beside them: nothing was seen", len(refused), others)
	}
	for _, key := range slices.Sorted(maps.Keys(refused)) {
		if a := send(b.url, key); a.status != 200 && a.status != 201 {
			t.Errorf("%s, refused %d times and posted again, is answered %d", key, refused[key], a.status)
		}
		sent[key] = true
	}
	w := at(b.url)
	for key := range sent {
		if n := w.count("select count(*) from chat.message where client_id = $1 and client_message_id = $2", locked, key); n != 1 {
			t.Errorf("%s is stored %d times", key, n)
		}
	}
	if n := w.count("select last_seq from chat.conversation where client_id = $1", locked); n != len(sent)+1 {
		t.Errorf("the last of %d messages has seq %d", len(sent)+1, n)
	}
}

// closed is true of a channel that was closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
