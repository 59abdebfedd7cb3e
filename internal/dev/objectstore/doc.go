// Package objectstore is an object store for development and tests that speaks S3: what devinbox asks of AWS S3,
// Cloudflare R2, Supabase Storage or MinIO, and refuses what they refuse, so what works here works there too.
//
// It has one bucket, addressed in path style: PUT (with If-None-Match and If-Match), GET (with Range and the overrides
// response-*), HEAD and DELETE of an object, ListObjectsV2, HEAD of the bucket, and CORS for the pages of this machine.
// Every request but a CORS preflight needs a signature (AWS Signature Version 4) in its query or its Authorization
// header. The signature, its region, its time and its expiry are checked, and that each x-amz- header is signed. It does
// not have multipart uploads, versions, copies, access lists, session tokens, and bodies that are signed in chunks: these
// are answered 501, or 400.
//
// It follows https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and the pages beside them for each
// operation. The operations are those of the library gofakes3; the objects are files of one folder.
//
// It is not meant for production: there [Start] fails.
package objectstore
