package pusherserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of https://pusher.com/docs/channels/using_channels/presence-channels/.
const (
	maxMembers     = 100
	maxMemberBytes = 1024 // of channel_data
	maxMemberID    = 128  // characters
)

// member is a user in a presence channel, with one or more connections.
type member struct {
	id          string
	info        json.RawMessage // an object, or nil
	connections int
}

// description is a member as others see it, and as channel_data describes it.
type description struct {
	ID   json.RawMessage `json:"user_id"`
	Info json.RawMessage `json:"user_info,omitempty"`
}

// memberOf reads channel_data whose signature was checked. Without channel_data the member is the signed-in user.
func memberOf(channelData *string, u *user) (*member, error) {
	var d description
	switch {
	case channelData != nil:
		if json.Unmarshal([]byte(*channelData), &d) != nil {
			return nil, errors.New("channel_data is not a JSON object")
		}
		if len(*channelData) > maxMemberBytes {
			return nil, fmt.Errorf("channel_data exceeds %d bytes", maxMemberBytes)
		}
	case u != nil:
		d = description{ID: encode(u.id), Info: u.info}
		if len(encode(d)) > maxMemberBytes {
			return nil, fmt.Errorf("the user_info of the signed in user exceeds %d bytes", maxMemberBytes)
		}
	default:
		return nil, errors.New("channel_data is missing, and nobody is signed in")
	}
	id := string(d.ID) // of a number its digits are the id
	if strings.HasPrefix(id, `"`) {
		json.Unmarshal(d.ID, &id)
	} else if !isNumber(d.ID) {
		id = ""
	}
	if id == "" || utf8.RuneCountInString(id) > maxMemberID {
		return nil, fmt.Errorf("user_id is not a text of 1 to %d characters", maxMemberID)
	}
	if string(d.Info) == "null" {
		d.Info = nil
	}
	if len(d.Info) > 0 && d.Info[0] != '{' {
		return nil, errors.New("user_info is not a JSON object")
	}
	return &member{id: id, info: d.Info}, nil
}

func isNumber(value json.RawMessage) bool {
	var n json.Number
	return json.Unmarshal(value, &n) == nil && n != ""
}

// enter adds a connection to a member. A second connection of the same member replaces the member's information.
func (ch *channel) enter(c *connection, m *member) error {
	there := ch.members[m.id]
	switch {
	case there != nil:
		there.info = m.info
	case len(ch.members) >= maxMembers:
		return fmt.Errorf("presence channel %s has %d members already", ch.name, maxMembers)
	default:
		there = m
		ch.members[m.id] = m
	}
	there.connections++
	ch.subscribers[c] = m.id
	return nil
}

// state is what a new subscriber is told: on a presence channel the distinct members, including itself.
func (ch *channel) state() string {
	if !isPresence(ch.name) {
		return "{}"
	}
	type presence struct {
		IDs   []string                   `json:"ids"`
		Hash  map[string]json.RawMessage `json:"hash"`
		Count int                        `json:"count"`
	}
	p := presence{IDs: slices.Sorted(maps.Keys(ch.members)), Hash: map[string]json.RawMessage{}, Count: len(ch.members)}
	for id, m := range ch.members {
		p.Hash[id] = m.info
	}
	return string(encode(map[string]presence{"presence": p}))
}

func memberAdded(channel string, m *member) []byte {
	return internal("pusher_internal:member_added", channel, description{encode(m.id), m.info})
}

func memberRemoved(channel, id string) []byte {
	return internal("pusher_internal:member_removed", channel, description{ID: encode(id)})
}
