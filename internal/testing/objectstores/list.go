package objectstores

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"

	"devinbox/internal/testing/stage"
)

// page is an answer of ListObjectsV2.
type page struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string
	Contents              []struct {
		Key  string
		Size int64
	}
}

// page asks for the page behind a continuation token.
func (s Store) page(t stage.T, after string) (found page) {
	t.Helper()
	query := url.Values{"list-type": {"2"}}
	if after != "" {
		query.Set("continuation-token", after)
	}
	answer, err := http.DefaultClient.Do(s.Signed(t, http.MethodGet, "/"+s.Bucket+"?"+query.Encode(), ""))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: list: %s %s (%v)", s.Name, answer.Status, text, err)
	}
	if err := xml.Unmarshal(text, &found); err != nil {
		t.Fatalf("%s: list: %v", s.Name, err)
	}
	return found
}
