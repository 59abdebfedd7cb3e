package webapp_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"devinbox/internal/dev/webapp"
)

func TestAStartThatFailsIsToldOnThePageAndStops(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	b := webapp.Begin(t.Context(), webapp.Options{Workspace: t.TempDir(), Progress: io.Discard, Output: io.Discard}, func(err error) { failed <- err })
	if err := <-failed; err == nil {
		t.Fatal("an empty folder was started")
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "could not be started") || strings.Contains(w.Body.String(), "refresh") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
}
