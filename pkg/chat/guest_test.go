package chat_test

import (
	"errors"
	"testing"
)

func TestWhetherAGuestIsAdmittedTheStoreDecides(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if err := w.AdmitGuest(t.Context(), []byte("digest")); err != nil {
		t.Error(err)
	}
	w.store.fail["AdmitGuest"] = errors.New("a failure")
	if err := w.AdmitGuest(t.Context(), []byte("digest")); err != w.store.fail["AdmitGuest"] {
		t.Error(err)
	}
	mustBe(t, "the trace", w.trace.take(), "guest digest, guest digest")
}
