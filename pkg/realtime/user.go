package realtime

import (
	"encoding/json"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

// maxUserBytes is how large Pusher lets the description of a member be: 1 kB of JSON.
const maxUserBytes = 1024

// userID is what an identity is called on Pusher: its id behind c: or d:, so that a client and a developer
// are never one user. That is 122 bytes at most, of the 128 that Pusher allows. It is empty for nobody.
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

// user is how an identity appears on Pusher, where the other members of a channel see it. It holds no
// e-mail. A name that would make it larger than Pusher allows is cut. ok is false for nobody.
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
