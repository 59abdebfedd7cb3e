package realtime

import (
	"net/url"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

var errDisabled = chat.Fail(chat.Unavailable, "Realtime is not configured.")

// Authorize signs the subscription of the connection socket to a channel, if me may listen there. The
// answer is the JSON that Pusher defines for it: auth, and channel_data on a presence channel.
//
// The library signs whatever it is given, and for some names that signature is valid for something else:
// that of `:user::{"id":"x"}` is a sign-in as x. So the name is parsed into a place of the domain, and what
// is signed is the name made from that place.
//
// Errors: Invalid for a malformed socket or an empty channel, with the field socket_id or channel_name;
// Forbidden for every channel that is not this identity's, does not exist, or is public and needs no
// authorisation; Unavailable if Pusher is not configured.
func (p *Publisher) Authorize(me chat.Identity, socket, channel string) ([]byte, error) {
	if err := checkSocket(socket); err != nil {
		return nil, err
	}
	if channel == "" {
		return nil, chat.InvalidField("channel_name", "must not be empty")
	}
	place, known := p.channels.Parse(channel)
	id, info, somebody := user(me)
	if !known || !somebody || p.channels == Public || !me.MayListen(place) {
		return nil, chat.ErrNotYours
	}
	if !p.enabled {
		return nil, errDisabled
	}
	params := []byte(url.Values{"socket_id": {socket}, "channel_name": {p.channels.Name(place)}}.Encode())
	var answer []byte
	var err error
	if p.channels == Presence && !place.Inbox {
		answer, err = p.client.AuthorizePresenceChannel(params, pusher.MemberData{UserID: id, UserInfo: info})
	} else {
		answer, err = p.client.AuthorizePrivateChannel(params)
	}
	if err != nil {
		return nil, chat.Defect(err)
	}
	return answer, nil
}

// SignIn signs that the connection socket belongs to me: Pusher's user authentication. The answer is the
// JSON that Pusher defines for it: auth and user_data. [Publisher.Disconnect] closes signed-in connections.
//
// Errors: Invalid for a malformed socket, with the field socket_id; Forbidden for an identity without a role;
// Unavailable if Pusher is not configured.
func (p *Publisher) SignIn(me chat.Identity, socket string) ([]byte, error) {
	if err := checkSocket(socket); err != nil {
		return nil, err
	}
	id, info, somebody := user(me)
	if !somebody {
		return nil, chat.ErrNotYours
	}
	if !p.enabled {
		return nil, errDisabled
	}
	params := []byte(url.Values{"socket_id": {socket}}.Encode())
	answer, err := p.client.AuthenticateUser(params, map[string]any{"id": id, "user_info": info})
	if err != nil {
		return nil, chat.Defect(err)
	}
	return answer, nil
}

func checkSocket(id string) error {
	if !chat.ValidSocketID(id) {
		return chat.InvalidField("socket_id", "must be two numbers with a dot between them")
	}
	return nil
}
