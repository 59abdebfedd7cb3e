package handler_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"devinbox/internal/serve"
	"devinbox/internal/testing/openapi"
)

// document is public/openapi.yaml. Every request and answer of every test passes through it.
var document struct {
	sync.Mutex
	*openapi.Document
}

func documented(t testing.TB) *openapi.Document {
	t.Helper()
	document.Lock()
	defer document.Unlock()
	if document.Document == nil {
		document.Document = openapi.Load(t)
	}
	return document.Document
}

func TestTheDocumentDescribesExactlyTheFunctionsThatThereAre(t *testing.T) {
	t.Parallel()
	documented(t).CheckFunctions(t, serve.Functions)
}

// unseen are the documented answers that no test of this folder can bring about: a defect of ours, which
// pkg/app has a test for.
func unseen(a openapi.Answer) bool { return a.Status == "500" }

// everyDocumentedAnswerWasSeen looks at what all tests of this folder together have seen, where all ran, in
// this process.
func everyDocumentedAnswerWasSeen() error {
	for _, selection := range []string{"run", "skip", "list"} {
		if flag.Lookup("test."+selection).Value.String() != "" {
			return nil
		}
	}
	if os.Getenv("DEVINBOX_TEST_DEPLOYMENT") != "" || document.Document == nil {
		return nil
	}
	missing := slices.DeleteFunc(document.Unseen(), unseen)
	if len(missing) == 0 {
		return nil
	}
	var names []string
	for _, a := range missing {
		names = append(names, a.String())
	}
	return fmt.Errorf("no test brought about these answers of public/openapi.yaml:\n  %s", strings.Join(names, "\n  "))
}
