package pusher

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// Authorize serves POST /api/pusher/auth: pusher-js calls it to authorize a channel and, without a channel,
// to sign its user in.
func Authorize(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodPost, func(_ context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		given, err := web.DecodeForm(r, "socket_id", "channel_name")
		if err != nil {
			return web.Answer{}, err
		}
		var signed []byte
		if channel, named := given["channel_name"]; named {
			signed, err = a.Realtime.Authorize(me, given["socket_id"], channel)
		} else {
			signed, err = a.Realtime.SignIn(me, given["socket_id"])
		}
		if err != nil {
			return web.Answer{}, err
		}
		return web.RawJSON(signed), nil
	})
}
