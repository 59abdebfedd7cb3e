package faults

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

// Vercel's crons may run at once, and may be called twice.
func TestFiftyCronsAtOnceLetEachEventLeaveOnceWithinALease(t *testing.T) {
	t.Parallel()
	const conversations, each, crons = 50, 40, 50
	w := newWorld(t, Options{Seed: 4}, testdb.New(t), nil, nil)
	for i := range crons { // each cron's request has an instance of its own
		w.instances = append(w.instances, w.serve(fmt.Sprint("cron-", i), w.direct.URL()))
	}
	w.sql(`insert into chat.conversation (client_id, last_seq, version, client_total, last_message_at, created_at, updated_at)
		select 'client-' || c, $2, $2, $2, now(), now(), now() from generate_series(1, $1::int) c`, conversations, each)
	w.sql(`insert into chat.message (client_id, seq, id, version, sender_role, sender_id, body, body_digest, client_total, created_at)
		select 'client-' || c, s, gen_random_uuid(), s, 'client', 'client-' || c, 'Hello', '', s, now() from generate_series(1, $1::int) c, generate_series(1, $2::int) s`, conversations, each)
	w.sql(`insert into chat.outbox (client_id, version, event, target, seq, created_at, due_at)
		select client_id, version, 'new-message', 'conversation', seq, now(), now() from chat.message`)

	var all sync.WaitGroup
	for i := range crons {
		all.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.instances[i].url+"/api/cron/deliver", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+cronSecret)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
		})
	}
	all.Wait()
	eventually(t, "nothing waits", func() bool { // a cron that was refused a connection has left something behind
		w.cron(w.instances[0].url)
		return w.count("select count(*) from chat.outbox") == 0
	})
	left := map[Published]time.Time{}
	again := 0
	times := w.heard.Times()
	for i, e := range w.heard.Published() {
		p := published(e.Channel, e.Name, e.Data)
		if before, ok := left[p]; ok {
			again++ // whoever had it was so slow that its lease ended
			if within := times[i].Sub(before); within < chat.Lease {
				t.Errorf("%+v left again after %v", p, within)
			}
		}
		left[p] = times[i]
	}
	if len(left) != conversations*each {
		t.Errorf("%d events left, want %d", len(left), conversations*each)
	}
	t.Logf("%d events left, %d of them again after their lease had ended", len(left), again)
	if n := len(w.toPusher.Requests()); n > conversations*each/10*2 {
		t.Errorf("they took %d requests", n)
	}
}
