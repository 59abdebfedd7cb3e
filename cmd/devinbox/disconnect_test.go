package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/pusherjs"
	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// startPusher starts a server that speaks Pusher's protocol, and gives what the command needs to know of it.
func startPusher(t *testing.T) (server *pusherserver.Server, variables []string) {
	t.Helper()
	server, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server, []string{
		"PUSHER_APP_ID=1", "NEXT_PUBLIC_PUSHER_KEY=test-key", "PUSHER_SECRET=test-secret",
		"PUSHER_HOST=" + server.Host(), "PUSHER_PORT=" + server.Port(), "PUSHER_USE_TLS=false",
	}
}

// signedIn is a pusher-js on which somebody is signed in.
func signedIn(t *testing.T, server *pusherserver.Server, who chat.Identity) *pusherjs.Client {
	t.Helper()
	publisher := realtime.New(realtime.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Host: server.Host(), Port: server.Port(), NoTLS: true})
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed, err := publisher.SignIn(who, r.FormValue("socket_id"))
		if err != nil {
			t.Error(err)
		}
		w.Write(signed)
	}))
	t.Cleanup(endpoint.Close)
	client := pusherjs.Connect(t, pusherjs.Options{Key: "test-key", Host: server.Host(), Port: server.Port(), AuthEndpoint: endpoint.URL})
	client.SignIn()
	return client
}

func TestDisconnectClosesTheConnectionsOfOneIdentity(t *testing.T) {
	t.Parallel()
	server, variables := startPusher(t)
	client := signedIn(t, server, chat.Identity{ID: "42", Role: chat.Client})
	tab := signedIn(t, server, chat.Identity{ID: "42", Role: chat.Client})
	developer := signedIn(t, server, chat.Identity{ID: "42", Role: chat.Developer}) // the same id, on the other side
	stranger := pusherjs.Connect(t, pusherjs.Options{Key: "test-key", Host: server.Host(), Port: server.Port()})

	const truth = "access ends only when"
	execute(t, emptyProject(t), variables, "disconnect", "--sub", "42", "--role", "client").is(t, 0, "client 42", truth)
	for _, cut := range []*pusherjs.Client{client, tab} {
		cut.WaitState("disconnected")
	}
	for _, other := range []*pusherjs.Client{developer, stranger} {
		before := other.SocketID()
		other.Subscribe("a-channel")
		if before == "" || other.SocketID() != before {
			t.Error("another one's connection is closed")
		}
	}
	// Nothing keeps somebody with a good token from coming back, as the command says.
	client.Connect()
	client.WaitState("connected")

	execute(t, emptyProject(t), variables, "disconnect", "--sub", "42", "--role", "developer").is(t, 0, "developer 42", truth)
	developer.WaitState("disconnected")
	execute(t, emptyProject(t), variables, "disconnect", "--sub", "nobody", "--role", "client").is(t, 0, truth)
}

func TestDisconnectSaysWhatItDoesNot(t *testing.T) {
	t.Parallel()
	help := execute(t, emptyProject(t), nil, "disconnect", "--help").is(t, 0)
	if text := strings.Join(strings.Fields(help.output), " "); !strings.Contains(text, "Access ends only when the token expires") {
		t.Errorf("%s", text)
	}
}

func TestDisconnectFailsAloud(t *testing.T) {
	t.Parallel()
	_, variables := startPusher(t)
	arguments := []string{"disconnect", "--sub", "42", "--role", "client"}
	execute(t, emptyProject(t), nil, arguments...).is(t, 1, "PUSHER_APP_ID is missing", "PUSHER_SECRET is missing")
	wrong := execute(t, emptyProject(t), append(variables, "PUSHER_SECRET=canary"), arguments...).is(t, 1, "status 401")
	nobody := execute(t, emptyProject(t), append(variables, "PUSHER_PORT=1"), arguments...).is(t, 1, "class refused")
	for _, o := range []outcome{wrong, nobody} {
		if strings.Contains(o.errors, "canary") || strings.Contains(o.errors, "signature") || o.output != "" {
			t.Errorf("%+v", o)
		}
	}
	for _, arguments := range [][]string{{}, {"--sub", "42"}, {"--role", "client"}, {"--sub", "42", "--role", "admin"}, {"--sub", "a\nb", "--role", "client"}} {
		execute(t, emptyProject(t), variables, append([]string{"disconnect"}, arguments...)...).is(t, 2, " must ")
	}
}
