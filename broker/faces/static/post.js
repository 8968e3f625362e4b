// Posts the one form of a page that exists to be posted. Without JavaScript its button does the same.
document.forms[0].submit();
