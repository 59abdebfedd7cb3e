package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"devinbox/pkg/chat"
)

const (
	// browsersEvery is how often an instance asks the object store whether browsers may use it.
	browsersEvery   = 10 * time.Minute
	browsersTimeout = time.Second
)

// browsers is when an instance last asked that.
type browsers struct {
	mu      sync.Mutex
	askedAt time.Time
}

// due tells whether it is to be asked again now.
func (b *browsers) due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.askedAt) < browsersEvery {
		return false
	}
	b.askedAt = time.Now()
	return true
}

// Health looks at the dependencies, and is down also while the environment cannot be used. Now and then it looks whether
// browsers may put files into the object store, and logs if they may not.
// It fails where the dependencies do, with the Health to show beside the error.
func (a *App) Health(ctx context.Context, r *http.Request) (chat.Health, error) {
	if err := a.usable(); err != nil {
		return chat.Health{Status: chat.Down}, err
	}
	health, err := a.Chat.Health(ctx)
	if err == nil && a.Files.Enabled() && a.browsers.due() {
		a.checkBrowsers(ctx, r)
	}
	return health, err
}

// checkBrowsers asks the object store for each origin whose pages put files there: this deployment's own, and those that
// may call it.
func (a *App) checkBrowsers(ctx context.Context, r *http.Request) {
	ctx, cancel := context.WithTimeout(ctx, browsersTimeout)
	defer cancel()
	for _, origin := range append(ownOrigin(r), a.allowed...) {
		if strings.Contains(origin, "*") {
			continue // it names no origin
		}
		if err := a.Files.CheckBrowsers(ctx, origin); err != nil {
			a.log.Error("browsers cannot put files into the object store: its bucket needs a CORS configuration (docs/deploy.md)", "class", err.Error())
			return
		}
	}
}

// ownOrigin is that of this deployment's pages, if the request tells it: a monitor may come by an address that no browser
// uses.
func ownOrigin(r *http.Request) []string {
	switch host := r.Host; {
	case r.Header.Get("X-Forwarded-Proto") == "https":
		return []string{"https://" + host}
	case strings.HasPrefix(host, "localhost:"), strings.HasPrefix(host, "127.0.0.1:"):
		return []string{"http://" + host}
	default:
		return nil
	}
}
