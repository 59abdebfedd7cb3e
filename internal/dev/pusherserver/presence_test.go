package pusherserver_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhoIsThere(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b, c := connect(t, s), connect(t, s), connect(t, s)

	if got := a.join("presence-x", `{"user_id":"1","user_info":{"name":"Ä<b>"}}`).text(t); got != `{"presence":{"ids":["1"],"hash":{"1":{"name":"Ä<b>"}},"count":1}}` {
		t.Errorf("a finds %s", got)
	}
	if got := b.join("presence-x", `{"user_id":"2"}`).text(t); got != `{"presence":{"ids":["1","2"],"hash":{"1":{"name":"Ä<b>"},"2":null},"count":2}}` {
		t.Errorf("b finds %s", got)
	}
	if got := a.expect("pusher_internal:member_added"); got.Channel != "presence-x" || got.text(t) != `{"user_id":"2"}` {
		t.Errorf("a hears of %+v", got)
	}

	// The second connection of a user adds no second member, but updates the member's information.
	if got := c.join("presence-x", `{"user_id":"2","user_info":{"name":"B"}}`).text(t); got != `{"presence":{"ids":["1","2"],"hash":{"1":{"name":"Ä<b>"},"2":{"name":"B"}},"count":2}}` {
		t.Errorf("c finds %s", got)
	}
	for _, client := range []*client{a, b, c} {
		client.nothing()
	}
	b.unsubscribe("presence-x")
	b.nothing()
	a.nothing()
	c.nothing()
	c.socket.CloseNow()
	if got := a.expect("pusher_internal:member_removed"); got.text(t) != `{"user_id":"2"}` {
		t.Errorf("a hears of %+v", got)
	}
	a.nothing()
	b.join("presence-x", `{"user_id":"3","user_info":{"name":"B"}}`)
	if got := a.expect("pusher_internal:member_added"); got.text(t) != `{"user_id":"3","user_info":{"name":"B"}}` {
		t.Errorf("a hears of %+v", got)
	}
}

func TestANumberIsAUserID(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	if got := a.join("presence-x", `{"user_id":10,"user_info":{"name":"Mr. Channels"}}`).text(t); got != `{"presence":{"ids":["10"],"hash":{"10":{"name":"Mr. Channels"}},"count":1}}` {
		t.Errorf("a finds %s", got)
	}
	b.join("presence-x", `{"user_id":"10"}`)
	a.nothing()
	if _, text := get(t, s, "/channels/presence-x/users", nil); text != `{"users":[{"id":"10"}]}` {
		t.Errorf("users: %s", text)
	}
}

func TestAMemberThatPusherRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := connect(t, s)
	for what, data := range map[string]string{
		"not JSON":       `user_id`,
		"not an object":  `["1"]`,
		"null":           `null`,
		"no id":          `{"user_info":{}}`,
		"an empty id":    `{"user_id":""}`,
		"null as id":     `{"user_id":null}`,
		"a list as id":   `{"user_id":[1]}`,
		"an id as truth": `{"user_id":true}`,
		"a long id":      `{"user_id":"` + strings.Repeat("ä", 129) + `"}`,
		"a text as info": `{"user_id":"1","user_info":"x"}`,
		"a list as info": `{"user_id":"1","user_info":[]}`,
		"too much":       `{"user_id":"1","user_info":{"x":"` + strings.Repeat("x", 1000) + `"}}`,
	} {
		c.ask("presence-x", authFor(c.id+":presence-x:"+data), &data)
		if status := c.refused("presence-x"); status != 400 {
			t.Errorf("%s: status %d", what, status)
		}
	}
	c.ask("presence-x", authFor(c.id+":presence-x"), nil)
	if status := c.refused("presence-x"); status != 400 {
		t.Errorf("without channel_data: status %d", status)
	}
	if _, text := get(t, s, "/channels", nil); text != `{"channels":{}}` {
		t.Errorf("left behind: %s", text)
	}
	c.join("presence-x", `{"user_id":"`+strings.Repeat("ä", 128)+`","user_info":null}`)
	c.unsubscribe("presence-x")
	most := `{"user_id":"1","user_info":{"x":"` + strings.Repeat("x", 1024-36) + `"}}`
	if len(most) != 1024 {
		t.Fatalf("%d bytes", len(most))
	}
	c.join("presence-x", most)
}

func TestTheHundredAndFirstMemberIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	var all []*client
	for i := range 100 {
		c := connect(t, s)
		c.join("presence-x", fmt.Sprintf(`{"user_id":"%d"}`, i))
		all = append(all, c)
	}
	c := connect(t, s)
	c.ask("presence-x", authFor(c.id+`:presence-x:{"user_id":"100"}`), pointer(`{"user_id":"100"}`))
	if status := c.refused("presence-x"); status != 403 {
		t.Errorf("status %d", status)
	}
	c.join("presence-x", `{"user_id":"7"}`) // this member is there already
	all[99].nothing()
	all[0].unsubscribe("presence-x")
	all[0].expect("pusher_internal:member_added")
	d := connect(t, s)
	eventually(t, "a place is free", func() bool {
		_, text := get(t, s, "/channels/presence-x", map[string]string{"info": "user_count"})
		return text == `{"occupied":true,"user_count":99}`
	})
	d.join("presence-x", `{"user_id":"100"}`)
}
