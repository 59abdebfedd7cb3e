//go:build tools

// Package pkg only fixes the versions of the modules that Vercel's builder adds to every function.
// Without these imports the builder would use the newest versions on the day of the build.
package pkg

import (
	_ "github.com/aws/aws-lambda-go/lambda"
	_ "github.com/vercel/go-bridge/go/bridge"
)
