package webapp

import (
	"context"
	"html/template"
	"net/http"
	"sync"
)

// Beginning is an App that is being started. It is an [http.Handler] that answers at once: until Next.js answers, it
// serves a page that says so and reloads itself; if the start failed, the page says why.
type Beginning struct {
	cancel context.CancelFunc
	over   chan struct{} // closed when the start has succeeded or failed

	mu  sync.Mutex // guards the fields below
	app *App
	err error
}

// Begin is [Start] without the wait. done is called once, by another goroutine, with the result.
func Begin(ctx context.Context, o Options, done func(error)) *Beginning {
	ctx, cancel := context.WithCancel(ctx)
	b := &Beginning{cancel: cancel, over: make(chan struct{})}
	go func() {
		defer close(b.over)
		app, err := Start(ctx, o)
		b.mu.Lock()
		b.app, b.err = app, err
		b.mu.Unlock()
		done(err)
	}()
	return b
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{{- if not .}}
<meta http-equiv="refresh" content="1">
{{- end}}
<title>devinbox</title>
<style>body { font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem } pre { white-space: pre-wrap }</style>
{{- with .}}
<h1>The web example could not be started</h1>
<pre>{{.}}</pre>
<p>The functions are served all the same.
{{- else}}
<h1>The web example is starting</h1>
<p>The first time its packages are installed, which takes half a minute or more; the terminal tells how far it is. This page asks again by itself.
{{- end}}
`))

// ServeHTTP passes a request on, or answers how far the start is.
func (b *Beginning) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	app, err := b.app, b.err
	b.mu.Unlock()
	if app != nil {
		app.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = page.Execute(w, err)
}

// Stop ends the start, or what was started.
func (b *Beginning) Stop() error {
	b.cancel()
	<-b.over
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.app == nil {
		return nil
	}
	return b.app.Stop()
}
