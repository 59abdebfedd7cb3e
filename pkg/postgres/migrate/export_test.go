package migrate

import (
	"context"
	"time"
)

// UpWithin is [Up] that waits for others no longer than a test does.
func UpWithin(ctx context.Context, url string, turn time.Duration, tries int) error {
	return up(ctx, url, func(string) {}, limits{turn: turn, tries: tries})
}

// FaultOfVersion is what Up says of a server of a version that no test can run.
func FaultOfVersion(version int) error {
	return Traits{Version: version, Encoding: "UTF8", MayCreate: true, OwnsTables: true}.fault()
}
