package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// undescribed are the headers of an answer that no response lists: those of HTTP itself, and those for CORS.
var undescribed = []string{
	"Content-Type", "Content-Length", "Vary",
	"Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
}

// Handler wraps the functions with a check against the document. Each answer of a documented path must be documented:
// its status, its headers, its type and its body; if it is a success, the request must be documented too. Anything
// that is not makes the test fail; the answer is passed on unchanged. Other paths are not checked.
//
// t must not end before the handler: close the server in a cleanup.
func (d *Document) Handler(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.paths[r.URL.Path] == nil {
			next.ServeHTTP(w, r)
			return
		}
		var sent bytes.Buffer
		watched := r.Clone(r.Context())
		watched.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, watched)
		for _, fault := range d.check(r, sent.Bytes(), answer) {
			t.Errorf("%s %s answered %d: %s", r.Method, r.URL.Path, answer.Code, fault)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // the caller may have left, which is not an error
	})
}

// check returns what is not documented of a request and its answer.
func (d *Document) check(r *http.Request, sent []byte, answer *httptest.ResponseRecorder) []string {
	path := r.URL.Path
	if r.Method == http.MethodOptions {
		return d.checkAllow(path, answer, http.StatusNoContent)
	}
	if !slices.Contains(d.methods(path), r.Method) {
		return append(d.checkAllow(path, answer, http.StatusMethodNotAllowed),
			d.checkAnswer(pointer("").child("components", "responses", "MethodNotAllowed"), answer)...)
	}
	at := operation(path, r.Method)
	status := strconv.Itoa(answer.Code)
	response := d.resolve(at.child("responses", status))
	if d.at(response) == nil {
		return []string{fmt.Sprintf("the status is not documented: %s", answer.Body)}
	}
	d.mu.Lock()
	d.seen[Answer{r.Method, path, status}] = true
	d.mu.Unlock()
	faults := d.checkAnswer(response, answer)
	if answer.Code < 300 {
		faults = append(faults, d.checkQuery(at, r.URL.RawQuery)...)
		faults = append(faults, d.checkBody(at, r.Header.Get("Content-Type"), sent)...)
	}
	return faults
}

// checkOptions asks a function with OPTIONS which methods it has, and returns what is wrong with the answer.
func (d *Document) checkOptions(path string, function http.Handler) []string {
	answer := httptest.NewRecorder()
	function.ServeHTTP(answer, httptest.NewRequest(http.MethodOptions, path, nil))
	return d.checkAllow(path, answer, http.StatusNoContent)
}

// checkAllow returns what is wrong with an answer that only tells which methods a path has.
func (d *Document) checkAllow(path string, answer *httptest.ResponseRecorder, status int) []string {
	var faults []string
	if answer.Code != status {
		faults = append(faults, fmt.Sprintf("the status is %d, want %d", answer.Code, status))
	}
	want := strings.Join(append(d.methods(path), http.MethodOptions), ", ")
	if got := answer.Header().Get("Allow"); got != want {
		faults = append(faults, fmt.Sprintf("the header Allow is %q, and the document has %q", got, want))
	}
	return faults
}

// checkAnswer returns what differs between an answer and the response at p.
func (d *Document) checkAnswer(p pointer, answer *httptest.ResponseRecorder) []string {
	var faults []string
	header := answer.Header()
	known := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(d.at(p.child("headers")))) {
		known[http.CanonicalHeaderKey(name)] = true
		at := d.resolve(p.child("headers", name))
		values := header.Values(name)
		if len(values) == 0 && d.at(at)["required"] == true {
			faults = append(faults, "the header "+name+" is missing")
		}
		for _, value := range values {
			if fault := d.checkText(at.child("schema"), value); fault != "" {
				faults = append(faults, "the header "+name+": "+fault)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !known[name] && !slices.Contains(undescribed, name) {
			faults = append(faults, "the header "+name+" is not documented")
		}
	}

	body, types := answer.Body.Bytes(), d.at(p.child("content"))
	contentType := header.Get("Content-Type")
	switch {
	case types == nil && len(body) == 0:
	case types == nil:
		faults = append(faults, "it has a body, and none is documented")
	case types[contentType] == nil:
		faults = append(faults, fmt.Sprintf("the content type %q is not documented", contentType))
	default:
		if fault := d.checkJSON(p.child("content", contentType, "schema"), body); fault != "" {
			faults = append(faults, "the body: "+fault)
		}
	}
	return append(faults, d.checkCode(p, answer)...)
}

// checkCode checks that a problem's body has the status of the answer, and the code that belongs to it.
func (d *Document) checkCode(p pointer, answer *httptest.ResponseRecorder) []string {
	want, isProblem := d.at(p)["x-code"].(string)
	if !isProblem {
		return nil
	}
	var problem struct {
		Status    int
		Code      string
		RequestID string
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil {
		return nil // reported already
	}
	var faults []string
	if problem.Status != answer.Code || problem.Code != want {
		faults = append(faults, fmt.Sprintf("the problem says %d %s, want %d %s", problem.Status, problem.Code, answer.Code, want))
	}
	if id := answer.Header().Get("X-Request-Id"); problem.RequestID != id {
		faults = append(faults, fmt.Sprintf("the problem's requestId is %q, and the header's %q", problem.RequestID, id))
	}
	return faults
}

// checkQuery returns what is not documented in the query of an accepted request.
func (d *Document) checkQuery(operation pointer, query string) []string {
	given, err := url.ParseQuery(query)
	if err != nil {
		return []string{"a query was accepted that cannot be read"}
	}
	var faults []string
	list, _ := d.at(operation)["parameters"].([]any)
	for i := range list {
		parameter := d.resolve(operation.child("parameters", strconv.Itoa(i)))
		name, _ := d.at(parameter)["name"].(string)
		if d.at(parameter)["required"] == true && !given.Has(name) {
			faults = append(faults, "a request was accepted without the parameter "+name)
		}
		for _, value := range given[name] {
			if fault := d.checkText(parameter.child("schema"), value); fault != "" {
				faults = append(faults, "the parameter "+name+" was accepted: "+fault)
			}
		}
		delete(given, name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !strings.HasPrefix(name, "x-vercel-") { // the platform's own
			faults = append(faults, "the parameter "+name+" was accepted and is not documented")
		}
	}
	return faults
}

// checkBody returns what is not documented in the body of an accepted request.
func (d *Document) checkBody(operation pointer, contentType string, body []byte) []string {
	at := d.resolve(operation.child("requestBody"))
	types := d.at(at.child("content"))
	if types == nil {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || types[media] == nil {
		return []string{fmt.Sprintf("a body of the type %q was accepted, and the document has none", contentType)}
	}
	schema := at.child("content", media, "schema")
	var fault string
	if media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return []string{"a form was accepted that cannot be read"}
		}
		fields := map[string]any{}
		for name := range form {
			fields[name] = form.Get(name)
		}
		fault = d.checkValue(schema, fields)
	} else {
		fault = d.checkJSON(schema, body)
	}
	if fault != "" {
		return []string{"the body of the request was accepted: " + fault}
	}
	return nil
}
