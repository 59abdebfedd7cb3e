package doctor

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"devinbox/pkg/files"
)

// bucket asks the object store, if there is one, with the key pair as functions do, and then as the browsers of each
// known origin do before an upload.
func (d *doctor) bucket(ctx context.Context) []Finding {
	c := d.settings
	if c.FilesFaults != nil || !c.Files.IsSet() {
		return nil // the variables are blamed already, or no files are taken
	}
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	o := c.Files
	o.Log, o.Observe = discard, nil
	store := files.New(o)
	if f, ok := d.objects(ctx, store); !ok {
		return []Finding{f}
	}
	var origins []string
	for _, origin := range c.AllowedOrigins {
		if !strings.Contains(origin, "*") { // that names no origin
			origins = append(origins, origin)
		}
	}
	if u, err := url.Parse(d.URL); err == nil && d.URL != "" && CheckURL(d.URL) == nil {
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	slices.Sort(origins)
	var refused []string
	var word string
	for _, origin := range slices.Compact(origins) {
		if err := store.CheckBrowsers(ctx, origin); err != nil {
			refused, word = append(refused, origin), innermost(err)
		}
	}
	switch {
	case len(refused) > 0 && (word == "headers" || word == "method"):
		return []Finding{{"bucket", Fault, "The bucket's CORS configuration lets pages read, but not upload: it lacks the " + word + " of an upload",
			"Allow the methods GET, HEAD and PUT, and the headers content-type and if-none-match, as shown in docs/deploy.md of devinbox under CORS of the bucket.", ""}}
	case len(refused) > 0:
		which := "those of CHAT_ALLOWED_ORIGINS"
		if d.URL != "" {
			which += " and that of --url"
		}
		return []Finding{{"bucket", Fault, "The bucket's CORS configuration stops pages from uploading files: of the origins here (" + which + ") it refuses " + count(len(refused), len(slices.Compact(origins))),
			"Enter the origins of your pages in the bucket's CORS configuration: copy it from docs/deploy.md of devinbox, under CORS of the bucket.", ""}}
	case len(origins) == 0:
		return []Finding{{Check: "bucket", Status: OK, Detail: "the object store accepts the key pair; --url also checks whether pages may upload"}}
	default:
		return []Finding{{Check: "bucket", Status: OK, Detail: "the object store accepts the key pair, and lets pages upload"}}
	}
}

// count says how many of some.
func count(n, of int) string {
	if n == of {
		return "all"
	}
	return "some"
}

// objects asks the store for an object that is not there. It is false if the store does not say so.
func (d *doctor) objects(ctx context.Context, store *files.Store) (Finding, bool) {
	_, err := store.Sizes(ctx, []string{"devinbox-doctor"})
	if err == nil {
		return Finding{}, true
	}
	endpoint := d.named("S3_ENDPOINT")
	switch word := innermost(err); word {
	case "forbidden":
		return Finding{"bucket", Fault, "The object store does not accept the key pair, or the key lacks a right", "Compare S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY with the store's console, and S3_REGION too. The key must read, write and delete objects and list the bucket: docs/deploy.md of devinbox. Check the clock of this machine too.", "S3_SECRET_ACCESS_KEY"}, false
	case "redirect":
		return Finding{"bucket", Fault, "The object store says that the bucket is elsewhere", "Set S3_ENDPOINT and S3_REGION to those of the bucket's region.", "S3_ENDPOINT"}, false
	case "5xx":
		return Finding{"bucket", Fault, "The object store that " + endpoint + " names fails (5xx)", "Look at the store's own status, and run this again.", ""}, false
	case "4xx":
		return Finding{"bucket", Fault, "The object store refuses a signed request (4xx)", "Compare S3_REGION and S3_BUCKET with the store's console; the region is auto for Cloudflare R2.", "S3_REGION"}, false
	default:
		return Finding{"bucket", Fault, "The object store that " + endpoint + " names cannot be reached: " + because(word), "Correct S3_ENDPOINT: it is the store's URL, without the bucket.", "S3_ENDPOINT"}, false
	}
}

// innermost is what the last cause of an error says: of package files one word.
func innermost(err error) string {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}
