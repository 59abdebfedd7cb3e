// Reference writes the page at / of a deployment, the reference of the HTTP API, from its OpenAPI document:
// public/index.html from public/openapi.yaml. The page has no script and loads nothing from other sites; its
// style sheet, public/reference.css, is written by hand.
//
// Usage, from the root of the project, after every change of the document:
//
//	go generate ./internal/tools/reference
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
)

//go:generate go run . ../../../public

//go:embed page.gohtml
var pageTemplate string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reference FOLDER, the one that holds openapi.yaml")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

// write makes folder/index.html from folder/openapi.yaml.
func write(folder string) error {
	document, err := os.ReadFile(filepath.Join(folder, "openapi.yaml"))
	if err != nil {
		return err
	}
	page, err := render(document)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "index.html"), page, 0o644)
}

// render returns the page of a document.
func render(document []byte) ([]byte, error) {
	source, err := parse(document)
	if err != nil {
		return nil, err
	}
	layout, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := layout.Execute(&page, newPage(source)); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}
