// Package objectstore is an object store for development and tests that speaks S3: what devinbox asks of AWS S3,
// Cloudflare R2, Supabase Storage or MinIO, and refuses what they refuse, so what works here works there too.
//
// It has one bucket, addressed in path style: PUT (with If-None-Match: *), GET (with Range and the overrides
// response-*), HEAD and DELETE of an object, ListObjectsV2, HEAD of the bucket, and CORS for the pages of this machine.
// Every request but a CORS preflight needs a signature (AWS Signature Version 4) in its query or its Authorization
// header. The signature, its region, its time and its expiry are checked, and that each x-amz- header is signed. What it
// does not have is answered 501: multipart uploads, versions, copies, access lists, bodies that are signed in chunks.
//
// It follows https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and the pages beside them for each
// operation. Signatures are checked with the signer of AWS's own SDK, and package objectstores compares the whole with
// another store.
//
// It is not meant for production: there [Start] fails.
package objectstore
