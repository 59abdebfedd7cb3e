package pusherserver_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Not parallel, so that what is still running afterwards was left by this test.
func TestFiveHundredConnectionsLeaveNothingBehind(t *testing.T) {
	endpoint := newEndpoint(t)
	s := start(t, withWebhooks(endpoint, time.Millisecond))
	api := goClient(s)
	var connected sync.WaitGroup
	for i := range 500 {
		connected.Go(func() {
			c := connect(t, s)
			data := fmt.Sprintf(`{"user_id":"%d"}`, i)
			for round := range 2 {
				channel := fmt.Sprintf("presence-%d", i%20)
				c.ask(channel, authFor(c.id+":"+channel+":"+data), &data)
				c.ask("private-x", authFor(c.id+":private-x"), nil)
				c.send(object{"event": "client-x", "channel": channel, "data": round})
				if i%50 == 0 {
					if err := api.Trigger("private-x", "my-event", "x"); err != nil {
						t.Error(err)
					}
				}
				c.unsubscribe("private-x")
				c.send(object{"event": "pusher:ping"})
				for {
					f, err := c.read()
					if err != nil {
						t.Errorf("connection %d: %v", i, err)
						return
					}
					if f.Event == "pusher:pong" {
						break
					}
					if strings.HasPrefix(f.Event, "pusher:") {
						t.Errorf("connection %d: %+v", i, f)
					}
				}
				c.unsubscribe(channel)
			}
			if i%2 == 0 {
				c.socket.CloseNow()
			}
		})
	}
	connected.Wait()
	eventually(t, "half of them have left", func() bool { return s.Connections() == 250 })
	eventually(t, "all channels are vacated", func() bool {
		_, text := get(t, s, "/channels", nil)
		return text == `{"channels":{}}`
	})
	s.Cut()
	eventually(t, "all have left", func() bool { return s.Connections() == 0 })
	s.Close()
	running := func() string {
		stacks := make([]byte, 1<<22)
		var left []string
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, "pusherserver.(*") {
				left = append(left, stack)
			}
		}
		return strings.Join(left, "\n\n")
	}
	if left := running(); left != "" {
		t.Errorf("still running:\n%s", left)
	}
}
