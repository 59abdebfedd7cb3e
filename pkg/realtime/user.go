package realtime

import (
	"encoding/json"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

// maxUserBytes is Pusher's limit for the description of a member: 1 kB of JSON.
const maxUserBytes = 1024

// userID returns the id of an identity on Pusher: c: or d: and its id, so that a client and a developer are never
// the same user. That is at most 122 bytes, of the 128 that Pusher allows. It is empty if there is no identity.
func userID(role chat.Role, id string) string {
	switch {
	case id == "":
		return ""
	case role == chat.Client:
		return "c:" + id
	case role == chat.Developer:
		return "d:" + id
	default:
		return ""
	}
}

// user returns how an identity appears on Pusher, where the other members of a channel see it. It has no
// e-mail. A name that would make it larger than Pusher allows is cut. ok is false if there is no identity.
func user(me chat.Identity) (id string, info map[string]string, ok bool) {
	if id = userID(me.Role, me.ID); id == "" {
		return "", nil, false
	}
	info = map[string]string{"role": string(me.Role)}
	name := longestPrefix(me.Name, func(name string) bool {
		info["name"] = name
		encoded, err := json.Marshal(pusher.MemberData{UserID: id, UserInfo: info}) // as the library does
		return err == nil && len(encoded) <= maxUserBytes
	})
	if info["name"] = name; name == "" {
		delete(info, "name")
	}
	return id, info, true
}
